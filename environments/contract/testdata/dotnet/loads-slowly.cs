// Loads until the file named by the environment exists.
using System;
using System.IO;
using System.Threading;

public class MyFunction
{
    static MyFunction()
    {
        while (!File.Exists(Environment.GetEnvironmentVariable("CONTRACT_GATE"))) Thread.Sleep(5);
    }

    public object Execute() { return "loaded"; }
}
