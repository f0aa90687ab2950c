// One class for each form of function.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Threading.Tasks;
using Api = Fission.DotNetCore.Api;
using Functions = Fission.Functions;
using Common = Fission.DotNet.Common;

public class Order
{
    public string Name { get; set; }
    public int Count;
    public List<double> Prices { get; set; }
}

public class Oldest
{
    public object Execute(Api.FissionContext context)
    {
        context.Logger.WriteInfo("asked for {0}", context.Arguments["a"]);
        return context.Request.Method + " " + context.Request.Url + " " + context.Request.BodyAsString();
    }
}

public class Middle : Functions.IFissionFunction
{
    public object Execute(Functions.FissionContext context)
    {
        context.Logger.WriteWarning("careful");
        return context.Arguments["a"] + " " + context.Request.GetBodyAsString();
    }
}

public class Newest
{
    public async Task<object> Execute(Common.FissionContext context, Common.ILogger logger)
    {
        var order = await context.ContentAs<Order>();
        logger.LogInformation("an order of " + order.Name);
        return new { order.Name, order.Count, last = order.Prices[order.Prices.Count - 1], id = context.Parameters["Id"] };
    }
}

public class Plain
{
    public static string Execute() { return "plain"; }
}

public class Sends
{
    public Stream Execute() { return new MemoryStream(Encoding.UTF8.GetBytes("from a stream")); }
}

public class Fails
{
    public async Task Execute()
    {
        await Task.Yield();
        throw new InvalidOperationException("failed later");
    }
}

public class BadHeader
{
    public object Execute() { return new Hotpod.Response(200, "x").With("X-A", "a\r\nb: c"); }
}

public class Again
{
    public object Execute(Api.FissionContext context)
    {
        var body = context.Request.Body;
        var pieces = 0;
        for (int read; (read = body.Read(new byte[1000], 0, 1000)) > 0;) pieces += read;
        body.Position = 0;
        var text = new StreamReader(body).ReadToEnd();
        return pieces + " " + text.Length + " " + body.Length + " " + context.Request.BodyAsString().Length;
    }
}

public class Parses
{
    public IEnumerable<string> Execute()
    {
        yield return "first";
        yield return int.Parse("no number").ToString();
    }
}
