// Says that it is reached by one file, and answers when another exists.
using System;
using System.IO;
using System.Threading;

public class MyFunction
{
    public object Execute()
    {
        var gate = Environment.GetEnvironmentVariable("CONTRACT_GATE");
        File.WriteAllText(gate + ".reached", "");
        while (!File.Exists(gate)) Thread.Sleep(5);
        return "through the gate";
    }
}
