import streamlit as st

from pages.rate import joining, session
from pages.shared import shell

shell.page("Rate", "For each example: was it recorded from a person, or made by a computer?", neutral=True)

code, invitation = st.query_params.get("code"), st.query_params.get("study")
if code:
    session.show(code)
elif invitation:
    joining.invited(invitation)
else:
    joining.returning()
