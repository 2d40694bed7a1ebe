// What a fault of a request looks like on the wire of its service.
import type { RequestFault } from "../faults.ts";
import type { ServiceName } from "../model/services.ts";
import { AwsError, clientError, invalidParameter, throttled } from "./aws-error.ts";

/** Answers that come instead of doing anything; undefined for faults of another kind. */
export const refusalBy = (
  fault: RequestFault,
  service: ServiceName,
  input: Readonly<Record<string, unknown>>,
): AwsError | undefined => {
  switch (fault) {
    case "throttle":
      return service === "sqs" ? new AwsError("RequestThrottled", "Rate exceeded") : throttled();
    case "subnetThrottle": {
      const network = JSON.stringify(input["networkConfiguration"] ?? {});
      const subnets = (network.match(/subnet-\w+/g) ?? ["subnet-0"]).join(", ");
      const text = `Error retrieving subnet information for [${subnets}]: Rate exceeded (ErrorCode: Throttling)`;
      return invalidParameter(text);
    }
    case "familyThrottle":
      return clientError(
        "Too many concurrent attempts to create a new revision of the specified family.",
      );
    case "provisioningQuota":
      return clientError(
        "The limit of tasks in the PROVISIONING state per cluster has been reached.",
      );
    case "limitExceeded":
      return new AwsError("LimitExceededException", "The limit for the resource was exceeded.");
    case "serverError":
      return serverError(service);
    case "accessDenied":
      return new AwsError(
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/fake is not authorized to perform this action",
        { status: 403 },
      );
    case "blocked":
      return new AwsError("BlockedException", "Your AWS account is currently blocked.");
    default:
      return undefined;
  }
};

export const serverError = (service: ServiceName): AwsError => {
  switch (service) {
    case "ecs":
      return new AwsError("ServerException", "Service Unavailable. Please try again later.", {
        status: 500,
      });
    case "logs":
      return new AwsError(
        "ServiceUnavailableException",
        "The service cannot complete the request.",
        { status: 500 },
      );
    case "sqs":
      return new AwsError("InternalFailure", "Unexpected internal failure.", { status: 500 });
  }
};
