// Takes orders: POST /orders/{id}?customer=NAME with a list of items.
//
// It shows what a function can use: the path's parameters, query, headers and body of the request, environment variables, a
// ConfigMap and a Secret as files, and classes of its own in another file.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using Fission.DotNet.Common;
using Hotpod;
using Shop;

public class Order
{
    public List<Item> Items { get; set; }
}

public class MyFunction
{
    public async Task<object> Execute(FissionHttpContext context)
    {
        var order = await context.ContentAs<Order>();
        if (order.Items == null || order.Items.Count == 0) return new Response(400, new { error = "an order needs items" });
        var id = context.Parameters["Id"];
        try
        {
            return new Response(201, new
            {
                order = id,
                customer = context.Arguments["customer"],
                source = context.Headers["X-Request-Source"],
                currency = Environment.GetEnvironmentVariable("CURRENCY") ?? "EUR",
                total = Pricing.Total(order.Items, Discount()),
                signature = Sign(Read("SECRETS_DIR", "/secrets/default/shop", "key"), id),
            });
        }
        catch (KeyNotFoundException err)
        {
            return new Response(400, new { error = err.Message });
        }
    }

    static double Discount()
    {
        double discount;
        double.TryParse(Read("SETTINGS_DIR", "/configs/default/shop", "discount"), NumberStyles.Float, CultureInfo.InvariantCulture, out discount);
        return discount;
    }

    static string Read(string variable, string folder, string name)
    {
        var file = Path.Combine(Environment.GetEnvironmentVariable(variable) ?? folder, name);
        return File.Exists(file) ? File.ReadAllText(file).Trim() : "";
    }

    static string Sign(string key, string text)
    {
        using (var hmac = new HMACSHA256(Encoding.UTF8.GetBytes(key)))
            return BitConverter.ToString(hmac.ComputeHash(Encoding.UTF8.GetBytes(text))).Replace("-", "").ToLowerInvariant();
    }
}
