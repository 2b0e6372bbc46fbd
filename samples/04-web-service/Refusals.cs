using Microsoft.AspNetCore.Diagnostics;
using Patchwork;

namespace Patchwork.Samples;

/// <summary>Answers errors with problem documents (RFC 9457): a caller's error with a sentence, an internal one without details.</summary>
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
