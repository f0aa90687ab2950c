// Answers with the request's body, byte for byte.
using System.IO;
using Fission.DotNet.Common;

public class MyFunction
{
    public object Execute(FissionContext context)
    {
        var body = new byte[context.Content.Length];
        context.Content.Read(body, 0, body.Length);
        return body;
    }
}
