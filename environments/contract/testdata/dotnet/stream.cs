// Streams `first`, then, after a call of /release, `second`; /broken fails in between.
using System;
using System.Collections.Generic;
using System.Threading;
using Fission.DotNet.Common;

public class MyFunction
{
    static readonly ManualResetEventSlim Release = new ManualResetEventSlim();

    public object Execute(FissionHttpContext context)
    {
        if (context.Url == "/release")
        {
            Release.Set();
            return "released";
        }
        Release.Reset();
        return Pieces(context.Url == "/broken");
    }

    static IEnumerable<string> Pieces(bool broken)
    {
        yield return "first\n";
        Release.Wait();
        if (broken) throw new InvalidOperationException("broken in the middle");
        yield return "second\n";
    }
}
