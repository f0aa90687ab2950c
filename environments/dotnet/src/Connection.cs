using System;
using System.Collections.Generic;
using System.Net.Sockets;
using System.Text;

namespace Hotpod
{
    /// <summary>The client went away, or the function failed in the middle of its answer: the connection is over.</summary>
    sealed class ConnectionOver : Exception { }

    /// <summary>A client's connection, used by one thread.</summary>
    sealed class Connection
    {
        const int MaxHead = 128 * 1024;
        // Reading an unread body away is cheaper for everybody than a connection that breaks.
        const long MaxDiscard = 1 << 30;
        // Longer than any idle time of the queue-proxy towards the runtime, so that it
        // is never the runtime that closes a connection a request is already on.
        const int IdleMilliseconds = 75000;
        // How long a client that does not go on sending is waited for before its connection is closed.
        const int LingerMilliseconds = 2000;

        readonly Socket socket;
        byte[] buffer = new byte[16 * 1024];
        int start, end;

        public Connection(Socket socket)
        {
            this.socket = socket;
            socket.NoDelay = true;
            socket.ReceiveTimeout = IdleMilliseconds;
        }

        /// <summary>The body of the last request.</summary>
        public RequestBody Body { get; private set; }

        /// <summary>
        /// The next request's head, or null when the client has gone or stays silent. What the last request left unread is
        /// read away before.
        /// </summary>
        public Head NextHead()
        {
            if (Body != null && !Body.Discard(MaxDiscard)) return null;
            Body = null;
            int stop;
            while ((stop = EndOfHead()) < 0)
            {
                if (end - start > MaxHead) throw new HttpError(431, "request head larger than " + MaxHead + " bytes");
                if (!Fill()) return null;
            }
            var head = Head.Parse(Encoding.GetEncoding("iso-8859-1").GetString(buffer, start, stop - start));
            start = stop + 4;
            Body = new RequestBody(this, head);
            return head;
        }

        int EndOfHead()
        {
            while (start + 1 < end && buffer[start] == '\r' && buffer[start + 1] == '\n') start += 2;
            for (var i = start; i + 3 < end; i++)
                if (buffer[i] == '\r' && buffer[i + 1] == '\n' && buffer[i + 2] == '\r' && buffer[i + 3] == '\n') return i;
            return -1;
        }

        /// <summary>Has the client send the body that it announced.</summary>
        public void Continue() { Send(Encoding.ASCII.GetBytes("HTTP/1.1 100 Continue\r\n\r\n")); }

        /// <summary>Reads between 1 and count bytes of a body.</summary>
        public int Some(byte[] to, int offset, int count)
        {
            if (start == end && count >= buffer.Length)
            {
                var read = Receive(to, offset, count);
                if (read == 0) throw new ConnectionOver();
                return read;
            }
            if (start == end) FillOrEnd();
            var piece = Math.Min(count, end - start);
            Buffer.BlockCopy(buffer, start, to, offset, piece);
            start += piece;
            return piece;
        }

        /// <summary>A line of a chunked body.</summary>
        public string Line()
        {
            for (var i = start; ; i++)
            {
                if (i - start > 8192) throw new HttpError(400, "line too long");
                while (i + 1 >= end)
                {
                    i -= start;
                    FillOrEnd();
                    i += start;
                }
                if (buffer[i] != '\r' || buffer[i + 1] != '\n') continue;
                var line = Encoding.ASCII.GetString(buffer, start, i - start);
                start = i + 2;
                return line;
            }
        }

        void FillOrEnd()
        {
            if (!Fill()) throw new ConnectionOver();
        }

        /// <summary>Reads more into the buffer; false at the end.</summary>
        bool Fill()
        {
            if (start == end) start = end = 0;
            if (end == buffer.Length && start > 0)
            {
                Buffer.BlockCopy(buffer, start, buffer, 0, end - start);
                end -= start;
                start = 0;
            }
            if (end == buffer.Length) Array.Resize(ref buffer, buffer.Length * 2);
            var read = Receive(buffer, end, buffer.Length - end);
            end += read;
            return read > 0;
        }

        // 0 at the end, however it came.
        int Receive(byte[] to, int offset, int count)
        {
            try { return socket.Receive(to, offset, count, SocketFlags.None); }
            catch (SocketException) { return 0; }
        }

        /// <summary>Writes an answer whose body is bytes or a sequence of them; head is null for a request that was not understood.</summary>
        public void Answer(Head head, Response response, bool keepAlive)
        {
            var hasBody = (head == null || head.Method != "HEAD") && response.Status != 204 && response.Status != 304;
            var bytes = response.Body as byte[];
            if (bytes != null)
            {
                keepAlive &= Body == null || !Body.Waits; // Nobody knows whether the body still comes.
                // The length of an empty answer to HEAD is the one that the function may give.
                var framing = response.Status == 204 ? "" : "Content-Length: " + bytes.Length + "\r\n";
                Send(response.Head(keepAlive, framing));
                if (hasBody) Send(bytes);
                return;
            }
            var chunked = hasBody && (head == null || head.Version == "HTTP/1.1");
            if (hasBody && Body != null) Body.Proceed(); // The pieces may need it, and after the head it would be too late.
            Send(response.Head(keepAlive && (chunked || !hasBody), chunked ? "Transfer-Encoding: chunked\r\n" : ""));
            if (hasBody) Pieces((IEnumerable<byte[]>)response.Body, chunked);
            if (hasBody && !chunked) throw new ConnectionOver();
        }

        void Pieces(IEnumerable<byte[]> pieces, bool chunked)
        {
            foreach (var piece in pieces)
            {
                if (piece.Length == 0) continue;
                if (chunked) Send(Encoding.ASCII.GetBytes(piece.Length.ToString("x") + "\r\n"));
                Send(piece);
                if (chunked) Send(Encoding.ASCII.GetBytes("\r\n"));
            }
            if (chunked) Send(Encoding.ASCII.GetBytes("0\r\n\r\n"));
        }

        void Send(byte[] bytes)
        {
            try
            {
                for (var sent = 0; sent < bytes.Length;) sent += socket.Send(bytes, sent, bytes.Length - sent, SocketFlags.None);
            }
            catch (SocketException)
            {
                throw new ConnectionOver();
            }
        }

        /// <summary>Ends a wait for the next request; may be called by another thread.</summary>
        public void Wake() { Quietly(() => socket.Shutdown(SocketShutdown.Receive)); }

        /// <summary>Closes the connection so that the client still reads what was sent.</summary>
        public void Close()
        {
            Quietly(() =>
            {
                socket.Shutdown(SocketShutdown.Send);
                socket.ReceiveTimeout = LingerMilliseconds;
                // Closing with something unread would take the answer away from the client.
                if (Body != null) Body.Discard(MaxDiscard);
            });
            socket.Close();
        }

        static void Quietly(Action action)
        {
            try { action(); }
            catch (SocketException) { } // The client was faster.
            catch (ObjectDisposedException) { }
        }
    }
}
