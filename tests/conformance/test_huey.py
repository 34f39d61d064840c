from demo_app.jobs.conformance.plugin import BackendConformance
from demo_app.jobs.conformance.shipped import SHIPPED


class TestHuey(BackendConformance):
    subject = SHIPPED["huey"]
