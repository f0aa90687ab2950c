// Fails when it is called, but not at /fine.
using System;
using System.Runtime.CompilerServices;
using Fission.DotNet.Common;

public class MyFunction
{
    public object Execute(FissionHttpContext context)
    {
        return context.Url == "/fine" ? "fine" : explode();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static string explode() { throw new InvalidOperationException("boom at call"); }
}
