using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;

namespace Hotpod
{
    /// <summary>The beginnings of the lines of one request: see docs/logs.md.</summary>
    sealed class Tag
    {
        const int MaxId = 128;
        static readonly Regex Foreign = new Regex("[^A-Za-z0-9._:=/+-]");
        static readonly Regex Trace = new Regex("^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$");
        static readonly AsyncLocal<Tag> current = new AsyncLocal<Tag>();

        public readonly string Text, Json;

        Tag(string id, string trace)
        {
            Text = "[req " + id + (trace == null ? "" : " trace " + trace) + "]";
            Json = "{\"request_id\":\"" + id + "\"," + (trace == null ? "" : "\"trace_id\":\"" + trace + "\",");
        }

        /// <summary>The tag of the request that this thread or task belongs to; null where there is none.</summary>
        public static Tag Current { get { return current.Value; } }

        /// <summary>Tags what this thread, and tasks that it starts, print from now on.</summary>
        public static void Begin(Head head)
        {
            var id = head.Header("X-Fission-Request-ID") ?? head.Header("X-Request-ID") ?? "";
            if (id == "" || Environment.GetEnvironmentVariable("HOTPOD_LOG_TAGS") == "false")
            {
                current.Value = null;
                return;
            }
            if (id.Length > MaxId) id = id.Substring(0, MaxId);
            var trace = Trace.Match(head.Header("traceparent") ?? "");
            var sampled = trace.Success && (int.Parse(trace.Groups[2].Value, NumberStyles.HexNumber) & 1) == 1;
            current.Value = new Tag(Foreign.Replace(id, "_"), sampled ? trace.Groups[1].Value : null);
        }

        public string Line(string line, bool more)
        {
            if (line.StartsWith("{\"", StringComparison.Ordinal) && line.EndsWith("}", StringComparison.Ordinal)) return Json + line.Substring(1);
            return Text + (more ? "+" : " ") + line;
        }
    }

    /// <summary>An output that tags the lines of requests, and writes each text in one piece.</summary>
    sealed class TagWriter : TextWriter
    {
        readonly TextWriter to;
        bool midLine;

        TagWriter(TextWriter to) { this.to = to; }

        /// <summary>Has both outputs tag lines.</summary>
        public static void Install()
        {
            Console.SetOut(TextWriter.Synchronized(new TagWriter(Console.Out)));
            Console.SetError(TextWriter.Synchronized(new TagWriter(Console.Error)));
        }

        public override Encoding Encoding { get { return to.Encoding; } }

        public override void Flush() { to.Flush(); }

        public override void Write(char value) { Write(value.ToString()); }

        public override void Write(char[] buffer, int index, int count) { Write(new string(buffer, index, count)); }

        public override void WriteLine() { Write("\n"); }

        public override void WriteLine(string value) { Write(value + "\n"); }

        public override void Write(string value)
        {
            if (string.IsNullOrEmpty(value)) return;
            var tag = Tag.Current;
            var continues = midLine;
            midLine = !value.EndsWith("\n", StringComparison.Ordinal);
            to.Write(tag == null ? value : Tagged(value, tag, continues));
            to.Flush();
        }

        static string Tagged(string text, Tag tag, bool continues)
        {
            var end = text.EndsWith("\n", StringComparison.Ordinal) ? "\n" : "";
            var lines = text.Substring(0, text.Length - end.Length).Split('\n');
            for (var i = 0; i < lines.Length; i++)
            {
                if (i > 0 || !continues) lines[i] = tag.Line(lines[i], i > 0);
            }
            return string.Join("\n", lines) + end;
        }
    }
}
