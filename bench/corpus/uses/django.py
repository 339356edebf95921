"""Answers a request with a model, a template and a form; migrates a database in memory."""

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    ROOT_URLCONF="use",
    SECRET_KEY="k",
    ALLOWED_HOSTS=["*"],
    USE_TZ=True,
    LANGUAGE_CODE="de",
)
django.setup()

from django import forms  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.template import Context, Template  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402
from django.utils.translation import gettext  # noqa: E402


class Form(forms.Form):
    """One field."""

    size = forms.IntegerField(min_value=1)


def view(_request):
    """How many users there are."""
    return JsonResponse({"users": User.objects.count()})


urlpatterns = [path("users", view)]


def use() -> object:
    call_command("migrate", verbosity=0)
    User.objects.create_user("a", "a@example.org", "secret")
    made = Template("{% load l10n %}{{ x|floatformat:2 }}").render(Context({"x": 1.5}))
    form = Form({"size": "0"})
    return [
        Client().get("/users").json(),
        made,
        form.is_valid(),
        str(form.errors["size"][0]),
        gettext("Yes"),
        User.objects.get(username="a").check_password("secret"),
    ]
