"""How people sign in to Airflow: accounts of its own database, made by accounts.py; nobody registers himself."""

from flask_appbuilder.const import AUTH_DB

AUTH_TYPE = AUTH_DB
AUTH_USER_REGISTRATION = False
WTF_CSRF_ENABLED = True
