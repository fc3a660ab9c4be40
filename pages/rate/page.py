import streamlit as st

from pages.rate import entering, joining, session
from pages.shared import shell, visitor

shell.page("Rate", "For each example: was it recorded from a person, or made by a computer?", neutral=True)

rating = False
invitation, code = st.query_params.get("invitation"), visitor.participation()
known = joining.is_known(code)
if entering.is_due():
    entering.show()
elif invitation and not (known and joining.is_used(invitation)):
    joining.invited(invitation)
elif known:
    if invitation:  # used up: nothing of it stays in the address
        st.query_params.clear()
    rating = session.show(code)
else:
    st.write("Open the invitation that you were sent. If you took part before, go on with your participation code.")
    joining.returning()
if visitor.principal() is not None and not rating:
    st.page_link(shell.script("home"), label="Back to the workspace", icon=":material/arrow_back:")
