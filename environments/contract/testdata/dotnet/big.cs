// Answers with as many bytes as the query asks for.
using System.Linq;
using Fission.DotNet.Common;

public class MyFunction
{
    public object Execute(FissionContext context)
    {
        return new byte[int.Parse((string)context.Arguments["bytes"])];
    }
}
