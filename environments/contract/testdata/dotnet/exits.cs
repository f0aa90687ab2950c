using System;

public class MyFunction
{
    public object Execute()
    {
        Console.WriteLine("leaving");
        Environment.Exit(7);
        return null;
    }
}
