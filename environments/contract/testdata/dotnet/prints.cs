// Prints a line, and answers only after /release.
using System;
using System.Threading;
using Fission.DotNet.Common;

public class MyFunction
{
    static readonly ManualResetEventSlim Release = new ManualResetEventSlim();

    public object Execute(FissionContext context, ILogger logger)
    {
        if (((FissionHttpContext)context).Url == "/release")
        {
            Release.Set();
            return "";
        }
        logger.LogInformation("with the logger");
        Console.WriteLine("a line of the function");
        Release.Wait();
        return "printed";
    }
}
