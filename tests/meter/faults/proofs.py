"""What may never happen (S1 to S5, S9 to S12), and the tests that prove it. Paths are relative to tests/.

The meter itself takes no payments: what it has of S5 is the reference of a payment, for which the contract grants once.
"""

from typing import Final, NamedTuple


class Proof(NamedTuple):
    """A sentence that has to be true always, and the tests that would fail if it were not."""

    sentence: str
    tests: tuple[str, ...]


PROOFS: Final = {
    "S1": Proof(
        "no request reaches a paid upstream without a stored hold or an open window",
        (
            "meter/faults/test_power.py::test_power__cut_at_any_instant__loses_no_hold_of_what_was_served",
            "meter/faults/test_power.py::test_power__cut_under_a_store_that_does_not_sync__is_found",
            "meter/faults/test_kills.py::test_kills__of_meters_on_sqlite__lose_nothing",
            "meter/faults/test_kills.py::test_kills__of_meters_and_servers_of_postgresql__lose_nothing",
            "meter/faults/test_kills.py::test_kills__of_a_meter_that_leaves_out_commits__find_it",
            "meter/faults/test_away.py::test_requests__in_flight_while_the_server_goes_away_and_comes_back__are_served_once",
            "meter/faults/test_away.py::test_requests__in_flight_while_the_disk_is_full__are_served_once",
            "meter/test_store_kills.py::test_kills__of_sellers_on_sqlite__lose_nothing",
            "meter/test_store_kills.py::test_kills__of_sellers_and_servers_of_postgresql__lose_nothing",
            "meter/test_store_kills.py::test_kills__of_a_store_that_leaves_out_commits__find_it",
            "meter/test_engine_failures.py::test_admit__on_a_full_disk__serves_nothing_and_charges_are_stored_later",
            "meter/test_store_windows.py::test_run__window_that_is_closed__serves_nothing",
        ),
    ),
    "S2": Proof(
        "the charges of one (plan, holder) never exceed what signatures, rule or payments allow",
        (
            "meter/test_histories.py::test_histories__with_the_right_meter__do_not_differ",
            "meter/test_histories.py::test_histories__with_a_planted_mistake__differ",
            "meter/test_store_histories.py::test_history__in_a_store__is_that_of_the_model",
            "meter/test_interleavings.py::test_served_150_of_100_with_another_redeemer__is_100",
            "meter/test_store_races.py::test_run__row_changed_by_another_store_meanwhile__is_decided_by_the_new_one",
            "meter/faults/test_races.py::test_race__of_four_processes__serves_each_voucher_once",
            "meter/faults/test_clocks.py::test_clocks__twenty_minutes_apart__do_not_let_anybody_charge_after_the_end",
        ),
    ),
    "S3": Proof(
        "a one-use credential is served at most once, under any concurrency, across processes and restarts",
        (
            "meter/test_store_races.py::test_run__200_presentations_of_one_voucher_in_4_processes__serve_one",
            "meter/faults/test_races.py::test_race__of_four_processes__serves_each_voucher_once",
            "meter/faults/test_races.py::test_race__of_stores_with_a_mistake__finds_it",
            "meter/faults/test_clocks.py::test_clocks__twenty_minutes_apart__serve_a_voucher_once_and_a_session_everywhere",
            "meter/faults/test_clocks.py::test_clocks__that_jump_at_restarts__revive_nothing",
            "meter/faults/test_kills.py::test_kills__of_meters_on_sqlite__lose_nothing",
            "meter/faults/test_power.py::test_power__cut_at_any_instant__loses_no_hold_of_what_was_served",
            "meter/test_store_vouchers.py::test_run__voucher_in_two_groups_and_after_a_restart__is_served_once",
        ),
    ),
    "S4": Proof(
        "what was charged is taken on chain, or shown as lost with the reason",
        (
            "meter/faults/test_kills.py::test_kills__of_meters_on_sqlite__lose_nothing",
            "meter/faults/test_kills.py::test_kills__of_meters_and_servers_of_postgresql__lose_nothing",
            "meter/test_settling_runs.py::test_settle__after_a_kill_between_journal_and_sending__sends_the_same_bytes",
            "meter/test_opening.py::test_open_meter__of_requests_and_settlements__takes_on_chain_what_was_charged",
            "meter/test_interleavings.py::test_a_lot_that_lapses_between_service_and_settlement__is_shown_as_lost",
            "meter/test_histories.py::test_histories__with_the_right_meter__do_not_differ",
        ),
    ),
    "S5": Proof(
        "a payment taken is granted exactly once or stands on a list that names it",
        (
            "contracts/test_grant_external.py::test_grant_external__twice_for_one_reference__reverts",
            "contracts/test_grant_external.py::test_grant_external__for_a_used_reference__reverts_whoever_it_is_for_and_from",
            "contracts/test_is_reference_used.py::test_is_reference_used__after_a_refused_second_grant__still_is",
        ),
    ),
    "S9": Proof(
        "within N blocks after a reorganization of up to 64, index, meter and chain agree",
        (
            "meter/test_feed.py::test_bring__through_a_random_history_with_reorganizations__is_the_chain_block_by_block",
            "meter/test_feed.py::test_bring__after_a_rollback_of_64_blocks__is_the_chain",
            "meter/test_settling_runs.py::test_settle__after_a_reorganization_before_the_views_saw_it__is_due_again",
            "meter/test_feed_cases.py::test_bring__after_a_grant_was_dropped__takes_it_back",
            "meter/test_feed_cases.py::test_bring__by_two_feeds_after_a_redemption_was_dropped__forgets_it_in_both",
            "meter/test_interleavings.py::test_a_batch_sent_twice_around_a_reorganization__takes_what_was_charged",
            "meter/faults/test_kills.py::test_kills__of_meters_on_sqlite__lose_nothing",
        ),
    ),
    "S10": Proof(
        "committed = Σ charges, held = Σ open holds, taken = Σ our events, at every instant",
        (
            "meter/faults/test_kills.py::test_kills__of_meters_on_sqlite__lose_nothing",
            "meter/faults/test_races.py::test_race__of_four_processes__serves_each_voucher_once",
            "meter/test_store_kills.py::test_kills__of_sellers_on_sqlite__lose_nothing",
            "meter/test_store_histories.py::test_history__in_a_store__is_that_of_the_model",
            "meter/test_store_histories.py::test_histories__with_a_planted_mistake_in_the_store__differ",
        ),
    ),
    "S11": Proof(
        "our keys never take more on chain than was charged",
        (
            "meter/faults/test_kills.py::test_kills__of_meters_on_sqlite__lose_nothing",
            "meter/faults/test_kills.py::test_kills__of_meters_and_servers_of_postgresql__lose_nothing",
            "meter/test_settling_runs.py::test_settle__after_a_reorganization_dropped_it__takes_the_same_credits_again_and_no_more",
            "meter/test_books.py::test_find_total_to_reach__with_a_settlement_by_others__counts_it_when_it_is_final",
            "meter/test_interleavings.py::test_a_batch_sent_twice_around_a_reorganization__takes_what_was_charged",
            "meter/test_histories.py::test_histories__with_the_right_meter__do_not_differ",
        ),
    ),
    "S12": Proof(
        "no restore or key change revives a credential",
        (
            "meter/test_store_sessions.py::test_note_restore__of_books_with_sessions__voids_the_old_ones_and_their_vouchers",
            "meter/test_store_vouchers.py::test_run__voucher_from_before_a_restored_backup__is_refused",
            "meter/test_store_races.py::test_run__books_closed_meanwhile__refuse",
            "meter/faults/test_clocks.py::test_clocks__twenty_minutes_apart__leave_nothing_that_a_restored_backup_would_revive",
            "meter/faults/test_clocks.py::test_clocks__that_jump_at_restarts__revive_nothing",
        ),
    ),
}
