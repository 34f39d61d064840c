from demo_app.verification.conformance.plugin import BackendConformance
from demo_app.verification.conformance.targets import SHIPPED


class TestCelery(BackendConformance):
    subject = SHIPPED["celery"]
