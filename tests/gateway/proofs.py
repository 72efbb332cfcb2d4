"""The threats to a gateway (G1 to G16), and what may never happen over HTTP (S1 to S12), with the tests that show it.

Paths are relative to `tests/`. Where a threat cannot apply, `reason` says why, and the tests show that what is said is true.
"""

from typing import Final, NamedTuple


class Proof(NamedTuple):
    """A threat or a promise, what becomes of it, and the tests that would fail if it were not so."""

    sentence: str
    reason: str
    tests: tuple[str, ...]


THREATS: Final = {
    "G1": Proof(
        "one payment is granted many times",
        "A voucher is spent by its digest in the write that admits its request, before the service is called.",
        (
            "gateway/test_threats.py::test_voucher__presented_200_times_at_once__is_served_once",
            "gateway/test_attacks.py::test_voucher__presented_by_32_at_once__is_served_once",
            "gateway/test_running.py::test_workers__on_postgresql__serve_one_account_and_one_of_them_settles",
            "meter/test_store_races.py::test_run__200_presentations_of_one_voucher_in_4_processes__serve_one",
        ),
    ),
    "G2": Proof(
        "several callers are told that the same settlement succeeded",
        "A request is not settled by itself: settlements are of totals, by one settler at a time, and no caller waits for one. "
        "The one request that was admitted is told so, also after a restart.",
        (
            "gateway/test_threats.py::test_voucher__presented_200_times_at_once__is_served_once",
            "gateway/test_running.py::test_kill__under_load__serves_no_voucher_twice",
            "meter/test_settling_runs.py::test_settle__while_another_process_settles__is_refused_and_sends_nothing",
            "meter/test_settling_runs.py::test_settle__after_a_kill_between_journal_and_sending__sends_the_same_bytes",
            "contracts/test_settle_totals.py::test_settle__of_the_same_batch_twice__takes_once",
        ),
    ),
    "G3": Proof(
        "something is served before its payment is final",
        "What is served before a settlement is the exposure that the seller has set, and an order counts some blocks deep.",
        (
            "gateway/test_threats.py::test_holder__who_owes_as_much_as_the_seller_risks__is_served_no_more",
            "meter/test_interleavings.py::test_a_lot_that_lapses_between_service_and_settlement__is_shown_as_lost",
            "meter/test_feed_cases.py::test_bring__after_a_grant_was_dropped__takes_it_back",
            "meter/test_settling_reverts.py::test_settle__after_reverts__pays_for_gas_less_and_less_often",
        ),
    ),
    "G4": Proof(
        "somebody else submits the settlement first",
        "Only the redeemer that a voucher names can settle it, and a total that was reached already takes nothing more.",
        (
            "contracts/test_settle.py::test_settle__by_a_stranger__reverts",
            "contracts/test_settle.py::test_settle__by_another_redeemer_of_the_plan__does_not_count",
            "contracts/test_settle_totals.py::test_settle__of_the_same_batch_twice__takes_once",
            "meter/test_interleavings.py::test_served_150_of_100_with_another_redeemer__is_100",
        ),
    ),
    "G5": Proof(
        "the payment for one thing is used for another one",
        "The voucher is bound to the service, the method, the target and the body, and its signature to the chain and the contract.",
        (
            "gateway/test_threats.py::test_voucher__for_one_service__pays_at_no_other",
            "gateway/test_serving.py::test_voucher__for_another_request__is_refused_and_stays_good",
            "gateway/test_serving.py::test_endpoint__with_a_cost_of_its_own__costs_that",
            "gateway/test_attacks.py::test_payment__with_one_field_changed__is_not_served",
            "x402/test_wire_gateway.py::test_payment__that_accepts_the_offer_of_a_cheaper_endpoint__is_refused",
            "gateway/test_attacks.py::test_voucher__for_another_chain_or_contract__is_not_served",
            "gateway/test_streams.py::test_body__that_is_long_and_not_the_signed_one__never_reaches_the_upstream_whole",
        ),
    ),
    "G6": Proof(
        "two requests spend the last credit",
        "The rule of admission is decided on the account's row, which is locked by whoever decides.",
        (
            "gateway/test_floods.py::test_last_credits__asked_for_at_two_processes_on_one_database__are_spent_once",
            "gateway/test_attacks.py::test_credits__of_one_request__are_not_spent_by_two_at_once",
            "meter/test_store_races.py::test_run__row_changed_by_another_store_meanwhile__is_decided_by_the_new_one",
            "meter/test_histories.py::test_histories__with_the_right_meter__do_not_differ",
        ),
    ),
    "G7": Proof(
        "strangers make the seller pay for gas",
        "Only what was served is settled, a hundred holders at a time, and what cannot be taken is not sent again. Fees have an "
        "upper bound, and requests a rate.",
        (
            "gateway/test_threats.py::test_holder__above_the_rate__is_refused_before_anything_is_owed",
            "meter/test_settling_reverts.py::test_settle__after_reverts__pays_for_gas_less_and_less_often",
            "meter/test_settling_runs.py::test_settle__of_an_item_that_took_nothing__is_not_sent_again_until_the_account_changes",
            "meter/test_settling_stuck.py::test_settle__of_a_transaction_that_should_wait__signs_nothing",
            "meter/test_settling_wallets.py::test_settle__of_a_wallet_that_changed_its_mind__closes_its_session_and_sends_nothing",
            "meter/test_limits.py::test_count_request__after_too_many_releases__waits_for_the_next_hour",
        ),
    ),
    "G8": Proof(
        "a cache gives what was paid for to others",
        "Every answer of the gateway says that it may not be stored, whatever the service says.",
        (
            "gateway/test_caches.py::test_answer__through_a_cache__is_given_to_the_one_who_paid_only",
            "gateway/test_caches.py::test_answers__of_the_gateway_itself__are_kept_by_no_cache",
            "gateway/test_caches.py::test_cache__of_these_tests__keeps_what_may_be_kept",
        ),
    ),
    "G9": Proof(
        "headers are injected, doubled, hidden or too large",
        "They are refused with 400, 402 or 431, and nothing of a payment is handed on.",
        (
            "gateway/test_attacks.py::test_payment__twice__is_refused_and_not_spent",
            "gateway/test_attacks.py::test_request__with_a_length_of_two_meanings__never_becomes_two_requests",
            "gateway/test_attacks.py::test_header__with_a_line_feed__is_not_handed_on",
            "gateway/test_attacks.py::test_header__of_a_megabyte__is_refused_before_it_is_all_there",
            "gateway/test_threats.py::test_payment__under_any_spelling_of_its_header__is_one_payment",
            "gateway/test_threats.py::test_payment__with_a_control_character__is_not_served_and_not_handed_on",
            "gateway/test_threats.py::test_payment__with_underscores_in_its_header__is_none_and_goes_nowhere",
            "gateway/test_review.py::test_header__with_underscores__does_not_stand_for_one_of_the_gateway",
            "x402/test_wire_payments.py::test_read_payment__of_anything__is_read_or_is_no_payment",
            "gateway/test_fuzz.py::test_streams__of_changed_requests__leave_a_gateway_that_serves",
        ),
    ),
    "G10": Proof(
        "a request is sent into somebody's network",
        "The URL of a service is in the operator's own file, and may be private. Neither a request nor the metadata of an agent "
        "changes it, and redirects are not followed. OpenAPI documents may not name private hosts, and documents that the chain "
        "names are read from public addresses only.",
        (
            "gateway/test_threats.py::test_request__for_another_host__goes_to_the_upstream_of_the_settings_or_nowhere",
            "gateway/test_threats.py::test_agent__whose_metadata_names_hosts_of_a_network__gets_no_request_there",
            "gateway/test_serving.py::test_upstream__that_redirects_elsewhere__is_an_error_and_its_own_paths_are_not",
            "gateway/test_serving.py::test_target__that_servers_read_differently__is_a_bad_request",
            "unit/test_openapi_servers.py::test_locate_server__of_a_private_host__is_refused_unless_the_seller_gives_it",
            "unit/test_public_hosts.py::test_load__from_a_private_address__sends_nothing",
        ),
    ),
    "G11": Proof(
        "a token is stolen from a log, an answer or the other side",
        "Credentials end at the gateway, secrets are added behind it, and logs have nothing of headers and bodies.",
        (
            "gateway/test_threats.py::test_secrets__of_seller_and_buyer__are_in_no_log_answer_or_request_of_the_other",
            "gateway/test_serving.py::test_upstream__of_a_paid_request__gets_the_sellers_secret_and_nothing_of_the_buyers",
            "gateway/test_serving.py::test_metrics__with_their_token_only__count_requests_and_credits",
            "gateway/test_review.py::test_refusal__because_of_the_gateways_own_parts__does_not_say_where_they_are",
            "gateway/test_review.py::test_token__that_was_revoked__reads_nothing",
        ),
    ),
    "G12": Proof(
        "slow, large or many requests stop the gateway",
        "Heads, bodies, times, connections and waiting requests have bounds, bodies are not gathered, and compressed ones are not "
        "opened.",
        (
            "gateway/test_floods.py::test_flood__of_requests_that_nobody_pays_for__leaves_memory_flat_and_others_served",
            "gateway/test_floods.py::test_connections__that_send_nothing_or_a_byte__do_not_keep_others_from_being_served",
            "gateway/test_slow_upstreams.py::test_service__that_is_stuck__takes_its_share_only_and_others_go_on",
            "gateway/test_attacks.py::test_head__that_does_not_end__is_given_up",
            "gateway/test_attacks.py::test_trailers__without_end__are_given_up",
            "gateway/test_streams.py::test_answer__compressed_and_with_repeated_headers__comes_as_it_was",
            "gateway/test_review.py::test_buyer__that_does_not_read_on_until_time_is_over__is_charged_and_counted",
            "gateway/test_upstream_oddities.py::test_answer__that_would_be_a_gigabyte_unpacked__is_handed_down_as_it_is",
        ),
    ),
    "G13": Proof(
        "the service fails after the charge, or the gateway in the middle",
        "A request is charged when its answer was handed down. Whatever fails before, its credits are free again.",
        (
            "gateway/test_request_faults.py::test_fault__at_each_point_where_a_request_waits__leaves_the_books_balanced",
            "gateway/test_streams.py::test_upstream__that_dies_in_the_middle__is_seen_as_cut_and_not_charged",
            "gateway/test_serving.py::test_answer__with_a_status_of_failure__is_handed_on_and_not_charged",
            "gateway/test_running.py::test_kill__under_load__serves_no_voucher_twice",
        ),
    ),
    "G14": Proof(
        "text of a seller steers whoever reads it",
        "Names and descriptions are shown as text, without control characters and up to a length. Prices come from the chain. Pages "
        "of a service on a shared host have an origin of their own.",
        (
            "gateway/test_threats.py::test_text__of_a_hostile_seller__is_text_wherever_it_is_shown",
            "gateway/test_serving.py::test_page__of_a_request_without_payment__shows_text_of_metadata_as_text",
            "gateway/test_isolation.py::test_answer__that_could_be_a_page__is_shown_apart_from_the_checkout",
            "browser/test_checkout.py::test_page_of_a_service__on_the_host_of_the_checkout__has_an_origin_of_its_own",
        ),
    ),
    "G15": Proof(
        "units are mixed up",
        "A gateway counts credits, which are whole numbers, and writes them as text. No price of a token is in a request.",
        (
            "gateway/test_threats.py::test_cost__of_the_largest_number__is_the_same_from_the_quote_to_the_books",
            "gateway/test_review.py::test_cost__however_long_its_number__is_between_least_and_most",
        ),
    ),
    "G16": Proof(
        "an input that nobody thought of is an error of the gateway itself",
        "Whatever reads what strangers send gives a value or an error of the package, which has a status.",
        (
            "gateway/test_fuzz.py::test_parser__of_changed_inputs__gives_a_value_or_an_error_of_ours",
            "gateway/test_fuzz.py::test_fuzzer__of_a_parser_with_a_mistake__finds_it",
            "gateway/test_fuzz.py::test_json__whose_text_is_not_utf_8__is_refused",
            "gateway/test_schema.py::test_answer__to_any_request__is_one_of_the_document",
            "gateway/test_schema.py::test_path__of_the_document__is_there_with_its_methods_and_no_others",
        ),
    ),
}
"""What strangers and sellers could try with a gateway."""

PROMISES: Final = {
    "S1": Proof(
        "no request reaches a paid upstream without a stored hold or an open window",
        "",
        (
            "gateway/test_threats.py::test_books__that_are_away__serve_nothing_and_the_same_payment_afterwards",
            "gateway/test_serving.py::test_request__without_payment__is_offered_everything_that_works",
            "gateway/test_running.py::test_kill__under_load__serves_no_voucher_twice",
        ),
    ),
    "S2": Proof(
        "the charges of one (plan, holder) never exceed what signatures, rule or payments allow",
        "",
        (
            "gateway/test_floods.py::test_last_credits__asked_for_at_two_processes_on_one_database__are_spent_once",
            "gateway/test_attacks.py::test_credits__of_one_request__are_not_spent_by_two_at_once",
            "gateway/test_review.py::test_cost__however_long_its_number__is_between_least_and_most",
        ),
    ),
    "S3": Proof(
        "a one-use credential is served at most once, under any concurrency, across processes and restarts",
        "",
        (
            "gateway/test_threats.py::test_voucher__presented_200_times_at_once__is_served_once",
            "gateway/test_running.py::test_workers__on_postgresql__serve_one_account_and_one_of_them_settles",
            "gateway/test_running.py::test_kill__under_load__serves_no_voucher_twice",
            "gateway/test_request_faults.py::test_fault__at_each_point_where_a_request_waits__leaves_the_books_balanced",
        ),
    ),
    "S4": Proof(
        "what was charged is taken on chain, or shown as lost with the reason",
        "",
        ("gateway/test_running.py::test_gateway__as_a_process__serves_settles_and_stops_with_code_0",),
    ),
    "S5": Proof(
        "a payment taken is granted exactly once or stands on a list that names it",
        "A gateway takes no payments: credits are ordered on the chain, where a reference is granted once.",
        (
            "contracts/test_grant_external.py::test_grant_external__twice_for_one_reference__reverts",
            "gateway/test_serving.py::test_request__without_payment__is_offered_everything_that_works",
        ),
    ),
    "S6": Proof(
        "a signature is worth nothing beyond its binding level, at another service, chain, key or gateway",
        "",
        (
            "gateway/test_threats.py::test_voucher__for_one_service__pays_at_no_other",
            "gateway/test_serving.py::test_voucher__for_another_request__is_refused_and_stays_good",
            "gateway/test_serving.py::test_token__for_a_service_that_wants_bindings__is_refused",
            "gateway/test_attacks.py::test_payment__with_one_field_changed__is_not_served",
            "gateway/test_attacks.py::test_voucher__for_another_chain_or_contract__is_not_served",
        ),
    ),
    "S7": Proof(
        "no secret of seller or buyer appears in a log, error, metric, page, or at the other's side",
        "",
        (
            "gateway/test_threats.py::test_secrets__of_seller_and_buyer__are_in_no_log_answer_or_request_of_the_other",
            "gateway/test_serving.py::test_upstream__of_a_paid_request__gets_the_sellers_secret_and_nothing_of_the_buyers",
            "integration/cli/test_cli_gateway.py::test_secret__of_every_command__is_shown_by_none",
        ),
    ),
    "S8": Proof(
        "nothing a buyer or upstream sends makes the gateway fail of its own, grow without named bound, or stop",
        "503 is told while the books or the chain are away, and if a service has as many requests as it may have.",
        (
            "gateway/test_fuzz.py::test_parser__of_changed_inputs__gives_a_value_or_an_error_of_ours",
            "gateway/test_fuzz.py::test_streams__of_changed_requests__leave_a_gateway_that_serves",
            "gateway/test_schema.py::test_answer__to_any_request__is_one_of_the_document",
            "gateway/test_floods.py::test_flood__of_requests_that_nobody_pays_for__leaves_memory_flat_and_others_served",
            "gateway/test_slow_upstreams.py::test_service__that_is_stuck__takes_its_share_only_and_others_go_on",
            "gateway/test_upstream_oddities.py::test_answer__of_changed_bytes__is_handed_down_or_an_error_of_the_service",
        ),
    ),
    "S9": Proof(
        "within N blocks after a reorganization of up to 64, index, meter and chain agree",
        "HTTP adds nothing: a gateway has the same books, which follow the chain in the same way.",
        (
            "gateway/test_review.py::test_gateway__whose_node_is_away_when_following_begins__follows_later",
            "meter/faults/test_kills.py::test_kills__of_meters_on_sqlite__lose_nothing",
            "meter/test_feed.py::test_bring__after_a_rollback_of_64_blocks__is_the_chain",
        ),
    ),
    "S10": Proof(
        "committed = Σ charges, held = Σ open holds, taken = Σ our events, at every instant",
        "",
        (
            "gateway/test_request_faults.py::test_fault__at_each_point_where_a_request_waits__leaves_the_books_balanced",
            "gateway/test_running.py::test_kill__under_load__serves_no_voucher_twice",
            "gateway/test_slow_upstreams.py::test_service__that_failed_often__has_all_its_places_again",
        ),
    ),
    "S11": Proof(
        "our keys never take more on chain than was charged",
        "",
        (
            "gateway/test_running.py::test_gateway__as_a_process__serves_settles_and_stops_with_code_0",
            "gateway/test_running.py::test_workers__on_postgresql__serve_one_account_and_one_of_them_settles",
        ),
    ),
    "S12": Proof(
        "no restore or key change revives a credential",
        "",
        (
            "gateway/test_threats.py::test_voucher__that_was_served_after_a_backup__is_not_served_again_from_it",
            "gateway/test_review.py::test_answer__kept_under_another_key__is_told_as_not_kept",
        ),
    ),
}
"""What may never happen. `tests/meter/faults/proofs.py` has the same of the meter without HTTP."""
