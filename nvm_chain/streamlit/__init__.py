"""A paywall for apps of Streamlit: visitors log in with their wallets, and the app gets a token for the service.

`nvm_chain.streamlit.paywall.paywall` is the function. Install it with ``pip install 'nvm-chain[streamlit]'``.
"""

from nvm_chain.streamlit.paywall import paywall as paywall

__all__ = ["paywall"]
