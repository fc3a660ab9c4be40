import streamlit as st

from pages.evaluate import report
from pages.shared import cache, jobs, panels, shell

shell.page("Evaluate", "Fidelity, usefulness and copying, each number beside what two real samples reach: the floor.")

with st.container(horizontal=True, vertical_alignment="bottom"):
    dataset = panels.choose_dataset()
    model = panels.choose_model(cache.dataset_info(dataset)["spec"]) if dataset else None
    if dataset and model:
        n = int(st.number_input("n synthetic", 40, 10_000, 400, 100, key="evaluate-n", width=140))
        with_classifier = st.checkbox("Train classifiers", key="evaluate-classifier", help=report.CLASSIFIER)
        if st.button("Evaluate", type="primary", icon=":material/play_arrow:", key="evaluate-start"):
            report.start(dataset, model, n, with_classifier)

if dataset and model:
    job = jobs.get(report.key(dataset, model))
    if job is None:
        st.caption("Real examples are compared with held-out subjects of the test part. It takes a minute or two.")
    elif not job.ended:
        jobs.watch(report.key(dataset, model))
    elif job.problem:
        st.error(job.problem)
    else:
        report.show(job.result, f"{model.name}-on-{dataset.name}")
