using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Text;

namespace Hotpod
{
    /// <summary>
    /// JSON for a runtime without libraries: Parse gives dictionaries, lists, strings, doubles or longs, booleans and
    /// null; To makes objects of them; Write is the way back.
    /// </summary>
    public static class Json
    {
        public static object Parse(string text)
        {
            var reader = new JsonReader(text);
            var value = reader.Value();
            reader.End();
            return value;
        }

        public static T To<T>(string text) { return (T)To(typeof(T), Parse(text)); }

        /// <summary>Makes a parsed value an object of a type; names of properties and fields match in any case.</summary>
        public static object To(Type type, object value)
        {
            if (value == null || type.IsInstanceOfType(value)) return value;
            type = Nullable.GetUnderlyingType(type) ?? type;
            if (value is IList && type != typeof(string)) return ToList(type, (IList)value);
            if (value is IDictionary<string, object>) return ToObject(type, (IDictionary<string, object>)value);
            if (type.IsEnum) return Enum.Parse(type, value.ToString(), true);
            if (type == typeof(DateTime)) return DateTime.Parse(value.ToString(), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
            if (type == typeof(Guid)) return new Guid(value.ToString());
            return Convert.ChangeType(value, type, CultureInfo.InvariantCulture);
        }

        static object ToList(Type type, IList values)
        {
            if (type.IsArray)
            {
                var array = Array.CreateInstance(type.GetElementType(), values.Count);
                for (var i = 0; i < values.Count; i++) array.SetValue(To(type.GetElementType(), values[i]), i);
                return array;
            }
            var element = type.IsGenericType ? type.GetGenericArguments()[0] : typeof(object);
            var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(element));
            foreach (var value in values) list.Add(To(element, value));
            return list;
        }

        static object ToObject(Type type, IDictionary<string, object> values)
        {
            if (type.IsGenericType && typeof(IDictionary).IsAssignableFrom(type))
            {
                var map = (IDictionary)Activator.CreateInstance(type);
                foreach (var pair in values) map[pair.Key] = To(type.GetGenericArguments()[1], pair.Value);
                return map;
            }
            var made = Activator.CreateInstance(type);
            const BindingFlags flags = BindingFlags.Public | BindingFlags.Instance | BindingFlags.IgnoreCase;
            foreach (var pair in values)
            {
                var property = type.GetProperty(pair.Key, flags);
                var field = type.GetField(pair.Key, flags);
                if (property != null && property.CanWrite) property.SetValue(made, To(property.PropertyType, pair.Value), null);
                else if (field != null) field.SetValue(made, To(field.FieldType, pair.Value));
            }
            return made;
        }

        public static string Write(object value)
        {
            var text = new StringBuilder();
            Write(text, value, 0);
            return text.ToString();
        }

        static void Write(StringBuilder to, object value, int depth)
        {
            if (depth > 64) throw new InvalidOperationException("JSON: objects are nested more than 64 deep, or in a circle");
            if (value == null) to.Append("null");
            else if (value is bool) to.Append((bool)value ? "true" : "false");
            else if (value is string || value is char || value is Guid || value is Enum) Quote(to, value.ToString());
            else if (value is DateTime) Quote(to, ((DateTime)value).ToString("o", CultureInfo.InvariantCulture));
            else if (value is byte[]) Quote(to, Convert.ToBase64String((byte[])value));
            else if (value.GetType().IsPrimitive || value is decimal) to.Append(Number(value));
            else if (value is IDictionary) Members(to, Entries((IDictionary)value), depth);
            else if (value is IEnumerable) Items(to, (IEnumerable)value, depth);
            else Members(to, PropertiesOf(value), depth);
        }

        static string Number(object value)
        {
            var isFloat = value is double || value is float;
            return ((IFormattable)value).ToString(isFloat ? "R" : null, CultureInfo.InvariantCulture);
        }

        static IEnumerable<KeyValuePair<string, object>> Entries(IDictionary map)
        {
            foreach (DictionaryEntry entry in map) yield return new KeyValuePair<string, object>(entry.Key.ToString(), entry.Value);
        }

        static IEnumerable<KeyValuePair<string, object>> PropertiesOf(object value)
        {
            const BindingFlags flags = BindingFlags.Public | BindingFlags.Instance;
            var properties = value.GetType().GetProperties(flags).Where(p => p.CanRead && p.GetIndexParameters().Length == 0)
                .Select(p => new KeyValuePair<string, object>(p.Name, p.GetValue(value, null)));
            return properties.Concat(value.GetType().GetFields(flags).Select(f => new KeyValuePair<string, object>(f.Name, f.GetValue(value))));
        }

        static void Members(StringBuilder to, IEnumerable<KeyValuePair<string, object>> members, int depth)
        {
            var separator = "{";
            foreach (var member in members)
            {
                to.Append(separator);
                Quote(to, member.Key);
                to.Append(':');
                Write(to, member.Value, depth + 1);
                separator = ",";
            }
            to.Append(separator == "{" ? "{}" : "}");
        }

        static void Items(StringBuilder to, IEnumerable items, int depth)
        {
            var separator = "[";
            foreach (var item in items)
            {
                to.Append(separator);
                Write(to, item, depth + 1);
                separator = ",";
            }
            to.Append(separator == "[" ? "[]" : "]");
        }

        static void Quote(StringBuilder to, string text)
        {
            to.Append('"');
            foreach (var c in text)
            {
                if (c == '"' || c == '\\') to.Append('\\').Append(c);
                else if (c == '\n') to.Append("\\n");
                else if (c < ' ') to.Append("\\u").Append(((int)c).ToString("x4"));
                else to.Append(c);
            }
            to.Append('"');
        }
    }
}
