using System;
using System.Collections.Generic;
using System.Linq;

namespace Shop
{
    public class Item
    {
        public string Name { get; set; }
        public int Count { get; set; }
    }

    static class Pricing
    {
        static readonly Dictionary<string, double> Prices = new Dictionary<string, double> { { "pen", 2 }, { "cup", 5 } };

        /// <summary>The price of all items, less a discount in percent; throws a KeyNotFoundException for what is not sold.</summary>
        public static double Total(IEnumerable<Item> items, double discount)
        {
            var unknown = items.FirstOrDefault(i => !Prices.ContainsKey(i.Name));
            if (unknown != null) throw new KeyNotFoundException("there is no " + unknown.Name);
            return Math.Round(items.Sum(i => Prices[i.Name] * i.Count) * (100 - discount)) / 100;
        }
    }
}
