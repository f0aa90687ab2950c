// Answers with the request's body as it comes.
using Fission.DotNet.Common;

public class MyFunction
{
    public object Execute(FissionContext context)
    {
        return context.Content;
    }
}
