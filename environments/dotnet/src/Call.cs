using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace Hotpod
{
    /// <summary>One request, with what the contexts of all APIs need of it.</summary>
    public sealed class Call
    {
        const string ParamsPrefix = "X-Fission-Params-";

        public readonly Head Head;

        /// <summary>The body, read as it is asked for.</summary>
        public readonly Stream Body;

        /// <summary>The folder of the function's code.</summary>
        public string Folder;

        internal Call(Head head, BodyStream body)
        {
            Head = head;
            Body = body;
        }

        /// <summary>The whole body; throws HttpError 413 when that is beyond the limit.</summary>
        public byte[] Bytes { get { return ((BodyStream)Body).All(); } }

        public string Text { get { return Encoding.UTF8.GetString(Bytes); } }

        /// <summary>The query's values by name; of a repeated name the last.</summary>
        public Dictionary<string, string> Query()
        {
            var query = new Dictionary<string, string>();
            var mark = Head.Target.IndexOf('?');
            if (mark < 0) return query;
            foreach (var pair in Head.Target.Substring(mark + 1).Split('&').Where(p => p != ""))
            {
                var equals = pair.IndexOf('=');
                query[Decode(equals < 0 ? pair : pair.Substring(0, equals))] = equals < 0 ? "" : Decode(pair.Substring(equals + 1));
            }
            return query;
        }

        static string Decode(string text) { return Uri.UnescapeDataString(text.Replace('+', ' ')); }

        /// <summary>The variables of the route's path.</summary>
        public Dictionary<string, string> Parameters()
        {
            return Head.Headers.Where(h => h.Key.StartsWith(ParamsPrefix, StringComparison.OrdinalIgnoreCase))
                .ToDictionary(h => h.Key.Substring(ParamsPrefix.Length), h => h.Value, StringComparer.OrdinalIgnoreCase);
        }

        public Dictionary<string, IEnumerable<string>> HeaderLists()
        {
            return Head.Headers.ToDictionary(h => h.Key, h => (IEnumerable<string>)new[] { h.Value }, StringComparer.OrdinalIgnoreCase);
        }

        /// <summary>The URL that the client called: path and query.</summary>
        public string Url { get { return Head.Header("X-Fission-Full-Url") ?? Head.Target; } }

        /// <summary>A JSON file of the function's folder as an object.</summary>
        public T GetSettings<T>(string path) { return Json.To<T>(File.ReadAllText(Path.Combine(Folder, path))); }
    }

    /// <summary>Lines with time and severity on standard output.</summary>
    public class ConsoleLogger
    {
        public void WriteInfo(string format, params object[] args) { Line("Info", format, args); }

        public void WriteWarning(string format, params object[] args) { Line("Warning", format, args); }

        public void WriteError(string format, params object[] args) { Line("Error", format, args); }

        public void WriteCritical(string format, params object[] args) { Line("Critical", format, args); }

        public void WriteVerbose(string format, params object[] args) { Line("Verbose", format, args); }

        protected static void Line(string severity, string format, object[] args)
        {
            var text = args == null || args.Length == 0 ? format : string.Format(format, args);
            Console.WriteLine(DateTime.Now.ToString("MM/dd/yy H:mm:ss zzz") + " " + severity + ": " + text);
        }
    }
}
