import streamlit as st

from pages.rate import entering, joining, session
from pages.shared import shell, visitor

shell.page("Rate", "For each example: was it recorded from a person, or made by a computer?", neutral=True)

invitation, code = st.query_params.get("invitation"), visitor.participation()
known = joining.is_known(code)
if entering.is_due():
    entering.show()
elif invitation and not (known and joining.is_used(invitation)):
    joining.invited(invitation)
elif known:
    if invitation:  # used up: nothing of it stays in the address
        st.query_params.clear()
    session.show(code)
else:
    joining.returning()
