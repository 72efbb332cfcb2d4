"""The line of the tutorial that today's Streamlit refuses: a key that is a number."""

from streamlit_javascript import st_javascript

st_javascript("parent.window.token", key=1)
