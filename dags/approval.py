"""The tasks in which a person is asked about a challenger: what was found, the question, what came of the answer."""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, chain
from alerts import alerts
from decision import only_if
from job_process import job

_ANSWER = "ti.xcom_pull('approve', key='answer')"
_JUDGED = {"PACKAGE": "{{ params.package }}", "JUDGED": "{{ params.run_key }}"}
_PERSON = {name: f"{{{{ ({_ANSWER} or {{}}).get('{name}', '') }}}}" for name in ("ANSWER", "WHO", "WHY")}
_WANTED = (
    "{{ ti.xcom_pull('evidence')['subject'] }}. Approve or reject it in Airflow within a week: Required Actions, run "
    "{{ run_id }} of DAG deploy. Without an answer the champion stays."
)


class Question(ApprovalOperator):
    """Keeps who answered what, and why: a rejection skips what follows, and itself returns nothing."""

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Go on with an answer; nobody's, when the time was up."""
        if "error" not in event:
            # A colon would end the name where it is put before the reason.
            who = str((event["responded_by_user"] or {}).get("name", "")).replace(":", " ").strip()
            why = str((event["params_input"] or {}).get("why") or "").strip()
            answer = {"ANSWER": event["chosen_options"][0], "WHO": who, "WHY": why}
            context["ti"].xcom_push("answer", answer)
        return super().execute_complete(context, event)


def approval(wanted: str) -> None:
    """Wire `evidence`, `approve`, `promote` and `outcome`; skipped unless the Jinja expression ``wanted`` holds."""
    about = '--package "$PACKAGE" --run-key "$JUDGED"'
    verb = f'training.jobs evidence {about} --asked-by "$RUN_KEY"'
    # The alert hangs on this task: a mail server that is away would take the question with it.
    told = {"on_success_callback": alerts("a decision is wanted", _WANTED)}
    evidence = job("evidence", verb, minutes=10, inputs=_JUDGED, pre_execute=only_if(wanted), **told)
    approve = Question(
        task_id="approve",
        subject="{{ ti.xcom_pull('evidence')['subject'] }}",
        body="{{ ti.xcom_pull('evidence')['body'] }}",
        params={"why": Param("", type="string", maxLength=400, description="Why? It is kept for good.")},
        defaults=ApprovalOperator.REJECT,  # when the time is up
        response_timeout=timedelta(days=7),
    )
    verb = f'training.jobs promote {about} --approve "$WHO: ${{WHY:-no reason given}}" --unless-moved'
    promote = job("promote", verb, minutes=10, inputs=_JUDGED | _PERSON)
    verb = f'training.jobs outcome {about} --asked-by "$RUN_KEY" --answer "$ANSWER" --who "$WHO" --why "$WHY"'
    answered = {"trigger_rule": "none_failed", "pre_execute": only_if(_ANSWER)}
    chain(evidence, approve, promote, job("outcome", verb, minutes=10, inputs=_JUDGED | _PERSON, **answered))
