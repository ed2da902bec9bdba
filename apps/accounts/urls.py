"""Addresses of sign-in, sign-out and the second factor."""

from django.urls import path

from apps.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.SignInView.as_view(), name="sign_in"),
    path("sign-in/code/", views.SecondFactorView.as_view(), name="second_factor"),
    path("sign-out/", views.SignOutView.as_view(), name="sign_out"),
    path("second-factor/", views.EnrolmentView.as_view(), name="enrolment"),
    path(
        "second-factor/recovery-codes/",
        views.RecoveryCodesView.as_view(),
        name="recovery_codes",
    ),
    path("password/", views.PasswordView.as_view(), name="password"),
]
