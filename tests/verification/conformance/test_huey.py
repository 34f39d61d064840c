from demo_app.verification.conformance.plugin import BackendConformance
from demo_app.verification.conformance.targets import SHIPPED


class TestHuey(BackendConformance):
    subject = SHIPPED["huey"]
