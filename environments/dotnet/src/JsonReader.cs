using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Hotpod
{
    /// <summary>Reads one JSON text; throws a FormatException that says where it is none.</summary>
    sealed class JsonReader
    {
        readonly string text;
        int at;
        int depth;

        public JsonReader(string text) { this.text = text ?? ""; }

        public object Value()
        {
            if (++depth > 200) throw Wrong("nested too deep");
            try
            {
                switch (Peek())
                {
                    case '{': return Object();
                    case '[': return List();
                    case '"': return Text();
                    case 't': return Word("true", true);
                    case 'f': return Word("false", false);
                    case 'n': return Word("null", null);
                    default: return Number();
                }
            }
            finally
            {
                depth--;
            }
        }

        public void End()
        {
            if (Peek() != '\0') throw Wrong("more than one value");
        }

        char Peek()
        {
            while (at < text.Length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) at++;
            return at < text.Length ? text[at] : '\0';
        }

        void Take(char c)
        {
            if (Peek() != c) throw Wrong("expected " + c);
            at++;
        }

        bool More(char end)
        {
            if (Peek() == ',') { at++; return true; }
            Take(end);
            return false;
        }

        Dictionary<string, object> Object()
        {
            var map = new Dictionary<string, object>();
            Take('{');
            if (Peek() == '}') { at++; return map; }
            do
            {
                if (Peek() != '"') throw Wrong("expected a name");
                var name = Text();
                Take(':');
                map[name] = Value();
            } while (More('}'));
            return map;
        }

        List<object> List()
        {
            var list = new List<object>();
            Take('[');
            if (Peek() == ']') { at++; return list; }
            do list.Add(Value()); while (More(']'));
            return list;
        }

        string Text()
        {
            var to = new StringBuilder();
            for (at++; ; at++)
            {
                if (at >= text.Length) throw Wrong("a string without end");
                var c = text[at];
                if (c == '"') { at++; return to.ToString(); }
                to.Append(c == '\\' ? Escape() : c);
            }
        }

        char Escape()
        {
            if (++at >= text.Length) throw Wrong("a string without end");
            switch (text[at])
            {
                case 'n': return '\n';
                case 'r': return '\r';
                case 't': return '\t';
                case 'b': return '\b';
                case 'f': return '\f';
                case 'u':
                    ushort code;
                    if (at + 4 >= text.Length || !ushort.TryParse(text.Substring(at + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out code))
                        throw Wrong("a bad \\u escape");
                    at += 4;
                    return (char)code;
                default: return text[at];
            }
        }

        object Word(string word, object value)
        {
            if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0) throw Wrong("an unknown word");
            at += word.Length;
            return value;
        }

        object Number()
        {
            var start = at;
            while (at < text.Length && "+-.eE0123456789".IndexOf(text[at]) >= 0) at++;
            var number = text.Substring(start, at - start);
            long whole;
            double real;
            if (long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out whole)) return whole;
            if (double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out real)) return real;
            throw Wrong("expected a value");
        }

        FormatException Wrong(string what) { return new FormatException("JSON: " + what + " at character " + at); }
    }
}
