using Microsoft.AspNetCore.Diagnostics;
using Patchwork;

namespace Patchwork.Samples;

/// <summary>What went wrong, as a problem document (RFC 9457): the caller's fault in a sentence, ours without details.</summary>
internal static class Refusals
{
    public static Task Answer(HttpContext context)
    {
        var error = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var (status, detail) = error switch
        {
            InputException refused => (StatusCodes.Status400BadRequest, refused.Message),
            BadHttpRequestException { StatusCode: var code } => (code, error.Message),      // too large, cut off
            OperationCanceledException => (StatusCodes.Status499ClientClosedRequest, "The request was cancelled."),
            _ => (StatusCodes.Status500InternalServerError, "The service failed."),
        };
        return Results.Problem(detail, statusCode: status).ExecuteAsync(context);
    }
}
