using System;

public class MyFunction
{
    static MyFunction() { Environment.Exit(9); }

    public object Execute() { return null; }
}
