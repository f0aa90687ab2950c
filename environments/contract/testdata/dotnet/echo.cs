// Says what the request was, as JSON.
using System;
using System.Linq;
using Fission.DotNetCore.Api;

public class FissionFunction
{
    public object Execute(FissionContext context)
    {
        return new
        {
            method = context.Request.Method,
            path = context.Request.Url.Split('?')[0],
            query = context.Arguments,
            headers = context.Request.Headers.ToDictionary(h => h.Key.ToLower(), h => string.Join(", ", h.Value)),
            body = Convert.ToBase64String(Body(context)),
        };
    }

    static byte[] Body(FissionContext context)
    {
        var body = new byte[context.Request.Body.Length];
        context.Request.Body.Read(body, 0, body.Length);
        return body;
    }
}
