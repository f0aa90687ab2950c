using System;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Hotpod
{
    /// <summary>What the environment says; throws a FormatException that names a variable which cannot be used.</summary>
    public sealed class Settings
    {
        public readonly string Host;
        public readonly int Port;
        public readonly long BodyLimit;
        public readonly bool ShowErrors;
        public readonly string CodePath;

        public Settings()
        {
            var address = Variable("HOTPOD_RUNTIME_ADDRESS", "0.0.0.0:8888");
            var match = Regex.Match(address, @"^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$");
            if (!match.Success || int.Parse(match.Groups[3].Value) > 65535)
                throw new FormatException("HOTPOD_RUNTIME_ADDRESS must be host:port, not \"" + address + "\"");
            Host = match.Groups[1].Value + match.Groups[2].Value;
            if (Host == "") Host = "0.0.0.0";
            Port = int.Parse(match.Groups[3].Value);
            BodyLimit = Size("BODY_PARSER_LIMIT", "64mb");
            ShowErrors = Variable("HOTPOD_SHOW_ERRORS", "true") != "false";
            CodePath = Variable("USERFUNCVOL", "/userfunc") + "/user";
        }

        static string Variable(string name, string otherwise)
        {
            var value = Environment.GetEnvironmentVariable(name);
            return string.IsNullOrEmpty(value) ? otherwise : value;
        }

        /// <summary>A number of bytes with an optional unit, as in 512kb or 64mb.</summary>
        static long Size(string name, string otherwise)
        {
            var text = Variable(name, otherwise);
            var match = Regex.Match(text.Trim().ToLowerInvariant(), @"^(\d{1,12})\s*(b|kb|mb|gb)?$");
            if (!match.Success) throw new FormatException(name + " must be a size such as 64mb, not \"" + text + "\"");
            var unit = match.Groups[2].Value;
            var factor = unit == "gb" ? 1L << 30 : unit == "mb" ? 1L << 20 : unit == "kb" ? 1L << 10 : 1L;
            return long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) * factor;
        }
    }
}
