"""A chat in Streamlit that is paid for: visitors log in with their wallets, and each question costs credits.

`run.py` starts everything that this app needs on one machine. By itself: ``streamlit run app.py``, with the agent's DID in
NVM_DID and the URL of the gateway in NVM_GATEWAY.
"""

import os

import requests
import streamlit as st

from nvm_chain.streamlit import paywall

st.title("Echo")
st.caption("A model that says again what you say. Each question costs credits.")

access = paywall(os.environ["NVM_DID"], gateway=os.environ["NVM_GATEWAY"])

for message in st.session_state.setdefault("messages", []):
    st.chat_message(message["role"]).write(message["content"])

question = st.chat_input("Ask something" if access else "Log in, then ask")
if question:
    st.chat_message("user").write(question)
    st.session_state["messages"].append({"role": "user", "content": question})
    if access is None:
        answer = "Log in first, please."
    else:
        headers = {"Authorization": f"Bearer {access['jwt']}"}
        reply = requests.post(access["url"], json={"payload": question}, headers=headers, timeout=60)
        answer = reply.json()["answer"] if reply.ok else f"{reply.status_code}: {reply.json()['error']}"
    st.chat_message("assistant").write(answer)
    st.session_state["messages"].append({"role": "assistant", "content": answer})
