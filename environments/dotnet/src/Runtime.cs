using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;

namespace Hotpod
{
    /// <summary>The life of a runtime process: generic, until one specialize call loads a function. Threads may share it.</summary>
    sealed class Runtime
    {
        readonly Settings settings;
        volatile Function function;
        int loading;

        public Runtime(Settings settings) { this.settings = settings; }

        /// <summary>Answers one request; its body is bytes, or a sequence of them to be streamed.</summary>
        public Response Handle(Call call)
        {
            var path = call.Head.Target;
            if (call.Head.Method == "POST" && (path == "/v2/specialize" || path == "/specialize")) return Specialize(call);
            if (path == "/healthz") return Response.Text(200, "OK\n");
            if (function == null) return Response.Text(500, "Generic container: no requests supported\n");
            try
            {
                return function.Invoke(call);
            }
            catch (Exception err)
            {
                var cause = err.GetBaseException();
                // The request's fault: its body is too large, malformed or breaks off.
                if (cause is HttpError || cause is ConnectionOver) throw Errors.Kept(cause);
                return Failed(err);
            }
        }

        /// <summary>The answer to a call that ended with an error, which is logged.</summary>
        public Response Failed(Exception err)
        {
            Console.Error.WriteLine("function error: " + Errors.Text(err));
            return Response.Text(500, "Internal server error" + (settings.ShowErrors ? ": " + err.GetType().Name + ": " + err.Message : "") + "\n");
        }

        Response Specialize(Call call)
        {
            if (Interlocked.Exchange(ref loading, 1) != 0) return Response.Text(400, "Not a generic container\n");
            try
            {
                if (function != null) return Response.Text(400, "Not a generic container\n");
                return Load(call);
            }
            catch (FormatException err)
            {
                return Response.Text(400, "specialize: the body must be JSON with a filepath: " + err.Message + "\n");
            }
            finally
            {
                Interlocked.Exchange(ref loading, 0);
            }
        }

        Response Load(Call call)
        {
            var asked = call.Body.Length == 0 ? null : Json.Parse(call.Text) as Dictionary<string, object>;
            var path = call.Head.Target == "/specialize" ? settings.CodePath : Member(asked, "filepath") as string;
            if (string.IsNullOrEmpty(path)) throw new FormatException("there is none");
            SetVariables(Member(asked, "env") as Dictionary<string, object>);
            var entry = call.Head.Target == "/specialize" ? "" : Member(asked, "functionName") as string ?? "";
            var watch = Stopwatch.StartNew();
            try
            {
                function = Loader.Load(path, entry);
            }
            catch (Exception err)
            {
                var text = (err is LoadError ? err.Message : Errors.Text(err)) + "\n";
                Console.Error.Write("function cannot be loaded: " + text);
                return Response.Text(500, text);
            }
            Console.WriteLine("function loaded from {0} in {1} ms", path, watch.ElapsedMilliseconds);
            return Response.Text(200, "");
        }

        static object Member(Dictionary<string, object> asked, string name)
        {
            object value = null;
            if (asked != null) asked.TryGetValue(name, out value);
            return value;
        }

        static void SetVariables(Dictionary<string, object> variables)
        {
            if (variables == null) return;
            if (!variables.Values.All(v => v is string)) throw new FormatException("env must be an object of strings");
            foreach (var variable in variables) Environment.SetEnvironmentVariable(variable.Key, (string)variable.Value);
        }
    }
}
