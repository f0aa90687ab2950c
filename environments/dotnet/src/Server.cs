using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace Hotpod
{
    /// <summary>
    /// Connections, one thread each, and draining. Threads suit a runtime: the queue-proxy keeps few connections, one
    /// for each request that a pod may have at a time.
    /// </summary>
    sealed class Server
    {
        readonly Runtime runtime;
        readonly Settings settings;
        readonly Socket listener;
        readonly object changed = new object(); // Guards the three below.
        readonly HashSet<Connection> idle = new HashSet<Connection>();
        readonly HashSet<Connection> busy = new HashSet<Connection>();
        bool draining;

        public Server(Runtime runtime, Settings settings)
        {
            this.runtime = runtime;
            this.settings = settings;
            var address = IPAddress.Parse(settings.Host);
            listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(address, settings.Port));
        }

        /// <summary>Begins to listen; returns at once.</summary>
        public void Start()
        {
            listener.Listen(1024);
            new Thread(Accept) { IsBackground = true }.Start();
        }

        /// <summary>Stops listening, closes idle connections and returns after the last answer.</summary>
        public void Drain()
        {
            lock (changed)
            {
                draining = true;
                try { listener.Shutdown(SocketShutdown.Both); }
                catch (SocketException) { }
                listener.Close();
                foreach (var connection in idle) connection.Wake();
                while (idle.Count + busy.Count > 0) Monitor.Wait(changed, 1000);
            }
        }

        void Accept()
        {
            while (!draining)
            {
                try
                {
                    var socket = listener.Accept();
                    new Thread(() => Serve(new Connection(socket))) { IsBackground = true }.Start();
                }
                catch (SocketException) { }
                catch (ObjectDisposedException) { }
            }
        }

        void Serve(Connection connection)
        {
            try
            {
                while (Wait(connection) && One(connection)) { }
            }
            catch (ConnectionOver) { }
            finally
            {
                connection.Close();
                lock (changed)
                {
                    idle.Remove(connection);
                    busy.Remove(connection);
                    Monitor.PulseAll(changed);
                }
            }
        }

        /// <summary>Marks a connection as idle; false when it shall close instead.</summary>
        bool Wait(Connection connection)
        {
            lock (changed)
            {
                busy.Remove(connection);
                if (draining) return false;
                idle.Add(connection);
                return true;
            }
        }

        /// <summary>Serves one request; false when the connection is done.</summary>
        bool One(Connection connection)
        {
            Head head = null;
            try
            {
                head = connection.NextHead();
                if (head == null) return false;
                lock (changed)
                {
                    idle.Remove(connection);
                    busy.Add(connection);
                }
                Tag.Begin(head);
                Answer(connection, head, runtime.Handle(new Call(head, new BodyStream(connection.Body, settings.BodyLimit))));
                return head.KeepAlive && !draining;
            }
            catch (HttpError err)
            {
                var known = head != null && err.Status == 413 && head.KeepAlive && !draining;
                connection.Answer(head, Response.Text(err.Status, err.Message + "\n"), known);
                return known;
            }
        }

        void Answer(Connection connection, Head head, Response response)
        {
            var keepAlive = head.KeepAlive && !draining;
            try
            {
                connection.Answer(head, response, keepAlive);
            }
            catch (ConnectionOver)
            {
                throw;
            }
            catch (InvalidHeader err)
            {
                connection.Answer(head, runtime.Failed(err), keepAlive);
            }
            catch (Exception err)
            {
                Console.Error.WriteLine("function error while streaming: " + err);
                throw new ConnectionOver();
            }
        }
    }
}
