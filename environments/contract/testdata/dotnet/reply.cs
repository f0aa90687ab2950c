// Answers with the status that the query asks for, two cookies and a header.
using Fission.DotNet.Common;
using Hotpod;

public class MyFunction
{
    public object Execute(FissionContext context)
    {
        return new Response(int.Parse((string)context.Arguments["status"]), "as asked\n")
            .With("X-Custom", "yes").With("Set-Cookie", "a=1").With("Set-Cookie", "b=2");
    }
}
