using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;
using Hotpod;

// What functions written for Fission's environments find: one namespace for each of its generations.

namespace Fission.DotNetCore.Api
{
    /// <summary>The context of Fission's dotnet and dotnet20 environments.</summary>
    public class FissionContext
    {
        readonly Call call;

        public FissionContext(Call call)
        {
            this.call = call;
            PackagePath = call.Folder;
            Arguments = call.Query().ToDictionary(q => q.Key, q => (object)q.Value);
            Request = new FissionHttpRequest(call);
            Logger = new Logger();
        }

        public string PackagePath { get; set; }
        public Dictionary<string, object> Arguments { get; private set; }
        public FissionHttpRequest Request { get; private set; }
        public Logger Logger { get; private set; }

        public T GetSettings<T>(string relativePath) { return call.GetSettings<T>(relativePath); }
    }

    public class FissionHttpRequest
    {
        readonly Call call;

        internal FissionHttpRequest(Call call) { this.call = call; }

        public Stream Body { get { return call.Body; } }
        public Dictionary<string, IEnumerable<string>> Headers { get { return call.HeaderLists(); } }
        public X509Certificate Certificate { get { return null; } }
        public string Url { get { return call.Url; } }
        public string Method { get { return call.Head.Method; } }

        public string BodyAsString() { return call.Text; }
    }

    public enum Severity { Info, Warning, Error, Critical, Verbose }

    public class Logger : ConsoleLogger
    {
        public void Write(Severity severity, string format, params object[] args) { Line(severity.ToString(), format, args); }
    }
}

namespace Fission.Functions
{
    /// <summary>A function of Fission's dotnet60 environment.</summary>
    public interface IFissionFunction
    {
        object Execute(FissionContext context);
    }

    public class FissionContext
    {
        readonly Call call;

        public IReadOnlyDictionary<string, string> Arguments;
        public FissionLogger Logger;
        public string PackagePath;
        public FissionRequest Request;

        public FissionContext(Call call)
        {
            this.call = call;
            Arguments = call.Query();
            Logger = new FissionLogger();
            PackagePath = call.Folder;
            Request = new FissionRequest(call);
        }

        public T GetSettings<T>(string relativePath) { return call.GetSettings<T>(relativePath); }
    }

    public class FissionRequest
    {
        readonly Call call;

        public Stream Body;
        public X509Certificate2 ClientCertificate;
        public IReadOnlyDictionary<string, IEnumerable<string>> Headers;
        public string Method;
        public string Url;

        internal FissionRequest(Call call)
        {
            this.call = call;
            Body = call.Body;
            Headers = call.HeaderLists();
            Method = call.Head.Method;
            Url = call.Url;
        }

        public string GetBodyAsString() { return call.Text; }
    }

    public class FissionLogger : ConsoleLogger { }
}

namespace Fission.DotNet.Common
{
    /// <summary>The context of Fission's dotnet8 environment.</summary>
    public class FissionContext
    {
        protected readonly Call call;

        public FissionContext(Call call)
        {
            this.call = call;
            Arguments = call.Query().ToDictionary(q => q.Key, q => (object)q.Value);
            Parameters = call.Parameters();
        }

        public Dictionary<string, object> Arguments { get; private set; }
        public Dictionary<string, string> Parameters { get; private set; }
        public string TraceID { get { return call.Head.Header("traceparent") ?? Guid.NewGuid().ToString(); } }
        public string FunctionName { get { return call.Head.Header("X-Fission-Function-Name"); } }
        public string Namespace { get { return call.Head.Header("X-Fission-Function-Namespace"); } }
        public string ResourceVersion { get { return call.Head.Header("X-Fission-Function-Resourceversion"); } }
        public string UID { get { return call.Head.Header("X-Fission-Function-Uid"); } }
        public string Trigger { get { return call.Head.Header("Source-Name"); } }
        public string ContentType { get { return call.Head.Header("Content-Type"); } }
        public int ContentLength { get { return call.Bytes.Length; } }
        public Stream Content { get { return call.Body; } }

        public Task<string> ContentAsString() { return Task.FromResult(call.Text); }

        public Task<T> ContentAs<T>() { return Task.FromResult(Json.To<T>(call.Text)); }
    }

    public class FissionHttpContext : FissionContext
    {
        public FissionHttpContext(Call call) : base(call) { }

        public Dictionary<string, string> Headers { get { return call.Head.Headers; } }
        public string Url { get { return call.Url.Split('?')[0]; } }
        public string Method { get { return call.Head.Method; } }
        public string Host { get { return call.Head.Header("X-Forwarded-Host"); } }
        public int Port { get { int port; return int.TryParse(call.Head.Header("X-Forwarded-Port"), out port) ? port : 0; } }
        public string UserAgent { get { return call.Head.Header("User-Agent"); } }
    }

    public interface ILogger
    {
        void LogInformation(string message);
        void LogDebug(string message);
        void LogWarning(string message);
        void LogError(string message);
        void LogCritical(string message);
        void LogError(string message, Exception exception);
    }

    sealed class Logger : ConsoleLogger, ILogger
    {
        public void LogInformation(string message) { Line("Info", message, null); }
        public void LogDebug(string message) { Line("Debug", message, null); }
        public void LogWarning(string message) { Line("Warning", message, null); }
        public void LogError(string message) { Line("Error", message, null); }
        public void LogCritical(string message) { Line("Critical", message, null); }
        public void LogError(string message, Exception exception) { Line("Error", message + ": " + exception, null); }
    }
}
