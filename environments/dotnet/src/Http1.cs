using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Hotpod
{
    /// <summary>A request that is answered with a status and a text before any function sees it.</summary>
    public sealed class HttpError : Exception
    {
        public readonly int Status;

        public HttpError(int status, string message) : base(message) { Status = status; }
    }

    /// <summary>A function's header that would break the answer.</summary>
    sealed class InvalidHeader : Exception
    {
        public InvalidHeader(string name) : base("the function set an invalid header " + name) { }
    }

    /// <summary>A request's first lines. Headers are by name in any case; repeated ones are joined by a comma.</summary>
    public sealed class Head
    {
        const string TokenMarks = "!#$%&'*+-.^_`|~";

        public string Method, Target, Version;
        public readonly Dictionary<string, string> Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

        /// <summary>The body's length; -1 when it is chunked.</summary>
        public long Length;

        public string Path { get { return Target.Split('?')[0]; } }

        public bool ExpectsContinue { get { return string.Equals(Header("Expect"), "100-continue", StringComparison.OrdinalIgnoreCase); } }

        public bool KeepAlive
        {
            get
            {
                var connection = (Header("Connection") ?? "").ToLowerInvariant();
                return Version == "HTTP/1.1" ? !connection.Contains("close") : connection.Contains("keep-alive");
            }
        }

        public string Header(string name)
        {
            string value;
            return Headers.TryGetValue(name, out value) ? value : null;
        }

        /// <summary>Parses everything before the empty line; throws HttpError for what is not HTTP/1.</summary>
        public static Head Parse(string text)
        {
            var lines = text.Split(new[] { "\r\n" }, StringSplitOptions.None);
            if (lines.Any(line => line.Any(c => c == '\r' || c == '\n' || c == '\0')))
                throw new HttpError(400, "control characters in the request's head");
            var parts = lines[0].Split(' ');
            if (parts.Length != 3 || !IsToken(parts[0]) || parts[1] == "") throw new HttpError(400, "malformed request line");
            if (parts[2] != "HTTP/1.1" && parts[2] != "HTTP/1.0") throw new HttpError(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
            var head = new Head { Method = parts[0], Target = parts[1], Version = parts[2] };
            foreach (var line in lines.Skip(1)) head.Add(line);
            head.Frame();
            return head;
        }

        public static bool IsToken(string text)
        {
            return text != "" && text.All(c => c < 128 && (char.IsLetterOrDigit(c) || TokenMarks.IndexOf(c) >= 0));
        }

        void Add(string line)
        {
            var colon = line.IndexOf(':');
            if (colon < 1 || !IsToken(line.Substring(0, colon))) throw new HttpError(400, "malformed header line");
            var name = line.Substring(0, colon);
            var value = line.Substring(colon + 1).Trim(' ', '\t');
            var before = Header(name);
            var separator = string.Equals(name, "Cookie", StringComparison.OrdinalIgnoreCase) ? "; " : ", ";
            Headers[name] = before == null ? value : before + separator + value;
        }

        void Frame()
        {
            var coding = Header("Transfer-Encoding");
            var length = Header("Content-Length");
            if (coding != null)
            {
                if (length != null || !string.Equals(coding, "chunked", StringComparison.OrdinalIgnoreCase))
                    throw new HttpError(400, "a body of unclear length");
                Length = -1;
            }
            else if (length != null && !long.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out Length))
            {
                throw new HttpError(400, "malformed Content-Length");
            }
        }
    }

    /// <summary>
    /// An answer that a function may return to choose status and headers; Body is what it would have returned without.
    /// </summary>
    public sealed class Response
    {
        public int Status = 200;
        public object Body;
        public readonly List<KeyValuePair<string, string>> Headers = new List<KeyValuePair<string, string>>();

        public Response() { }

        public Response(int status, object body = null)
        {
            Status = status;
            Body = body;
        }

        /// <summary>Adds a header; several of one name are allowed.</summary>
        public Response With(string name, string value)
        {
            Headers.Add(new KeyValuePair<string, string>(name, value));
            return this;
        }

        internal string Header(string name)
        {
            return Headers.Where(h => string.Equals(h.Key, name, StringComparison.OrdinalIgnoreCase)).Select(h => h.Value).FirstOrDefault();
        }

        internal static Response Text(int status, string text)
        {
            return new Response(status, Encoding.UTF8.GetBytes(text)).With("Content-Type", "text/plain; charset=utf-8");
        }

        /// <summary>The head on the wire; throws InvalidHeader.</summary>
        internal byte[] Head(bool keepAlive, string framing)
        {
            var text = new StringBuilder("HTTP/1.1 ").Append(Status).Append(' ').Append(Reason(Status)).Append("\r\n");
            foreach (var header in Headers)
            {
                if (IsOurs(header.Key)) continue;
                if (!Hotpod.Head.IsToken(header.Key) || (header.Value ?? "").Any(c => c == '\r' || c == '\n' || c == '\0'))
                    throw new InvalidHeader(header.Key);
                text.Append(header.Key).Append(": ").Append(header.Value).Append("\r\n");
            }
            text.Append(framing).Append("Date: ").Append(DateTime.UtcNow.ToString("r")).Append("\r\n");
            text.Append(keepAlive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
            return Encoding.UTF8.GetBytes(text.ToString());
        }

        // The connection is the runtime's matter, whatever a function says about it.
        static bool IsOurs(string name)
        {
            switch (name.ToLowerInvariant())
            {
                case "connection": case "keep-alive": case "transfer-encoding": case "date": case "content-length": return true;
                default: return false;
            }
        }

        static string Reason(int status)
        {
            var name = Enum.GetName(typeof(System.Net.HttpStatusCode), status) ?? "Status";
            return string.Concat(name.Select((c, i) => i > 0 && char.IsUpper(c) ? " " + c : c.ToString()));
        }
    }
}
