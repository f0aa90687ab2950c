using System;

public class MyFunction
{
    static readonly string Prepared = prepare();

    static MyFunction() { }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    static string prepare() { throw new InvalidOperationException("boom at load"); }

    public object Execute() { return Prepared; }
}
