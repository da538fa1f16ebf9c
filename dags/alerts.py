"""Alerts by e-mail and to a chat, where the environment names them (``docs/alerts.md``): else there is no notifier."""

from airflow.sdk import BaseNotifier
from notifiers.chat import ChatNotifier
from notifiers.email import EmailNotifier
from notifiers.prompt import setting

FACTS = """

DAG {{ ti.dag_id }}, task {{ ti.task_id }}, run {{ ti.run_id }}, try {{ ti.try_number }} of {{ ti.max_tries + 1 }}
{{ ti.log_url }}"""


def alerts(subject: str, text: str) -> list[BaseNotifier]:
    """Callbacks of a task, as in ``on_failure_callback=alerts(...)``; which task of which run is added to the text.

    Args:
        subject: one line; Jinja with the task's context, as in ``{{ ti.xcom_pull('watch')['accuracy'] }}``.
        text: what happened and what to do about it; Jinja too. Never what a user wrote.
    """
    addresses = [address.strip() for address in setting("LOOP_ALERT_EMAIL").split(",") if address.strip()]
    notifiers: list[BaseNotifier] = []
    if addresses:
        notifiers.append(EmailNotifier(addresses, f"Etalon: {subject}", text + FACTS))
    if setting("LOOP_ALERT_WEBHOOK"):
        notifiers.append(ChatNotifier(f"Etalon: {subject}\n{text}{FACTS}"))
    return notifiers


def failure_alerts() -> list[BaseNotifier]:
    """What every task tells once its last try has failed."""
    subject = "{{ ti.dag_id }}.{{ ti.task_id }} failed"
    return alerts(subject, "The task failed, and so did its retries. Its log says why.")
