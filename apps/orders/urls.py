"""Addresses of the order pages."""

from django.urls import path

from apps.orders import views

app_name = "orders"
urlpatterns = [
    path("", views.OrderListView.as_view(), name="order_list"),
    path("<int:pk>/", views.OrderDetailView.as_view(), name="order_detail"),
    path("<int:pk>/body/", views.OrderBodyView.as_view(), name="order_body"),
    path("groups/", views.GroupListView.as_view(), name="group_list"),
    path("groups/<int:pk>/", views.GroupDetailView.as_view(), name="group_detail"),
    path("groups/<int:pk>/body/", views.GroupBodyView.as_view(), name="group_body"),
]
