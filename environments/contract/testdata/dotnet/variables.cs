using System;
using System.Diagnostics;

public class MyFunction
{
    // Read at load, so that they tell whether the variables were there by then.
    static readonly string Greeting = Environment.GetEnvironmentVariable("GREETING");
    static readonly string Replaced = Environment.GetEnvironmentVariable("REPLACED");

    static MyFunction() { }

    public object Execute()
    {
        var start = new ProcessStartInfo("printenv", "GREETING") { UseShellExecute = false, RedirectStandardOutput = true };
        using (var child = Process.Start(start))
            return Greeting + "|" + Replaced + "|" + child.StandardOutput.ReadToEnd().Trim();
    }
}
