"""Deployment of Credits and AgentRegistry, for the command line, Ape's scripts and the tests."""

from nvm_chain.operations.deployment.check import Check, check_deployment
from nvm_chain.operations.deployment.creation import CREATE2_PROXY, SALTS, compute_create2_address
from nvm_chain.operations.deployment.deploy import Deployment, deploy_contracts, find_or_deploy_usdc
from nvm_chain.operations.deployment.plan import DeploymentPlan, describe_plan, plan_deployment, require_funds

__all__ = [
    "CREATE2_PROXY",
    "SALTS",
    "Check",
    "Deployment",
    "DeploymentPlan",
    "check_deployment",
    "compute_create2_address",
    "deploy_contracts",
    "describe_plan",
    "find_or_deploy_usdc",
    "plan_deployment",
    "require_funds",
]
