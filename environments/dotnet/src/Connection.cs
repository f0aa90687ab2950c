using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
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
        // Reading a refused body away is cheaper for everybody than a connection that breaks.
        const long MaxDiscard = 1 << 30;
        // Longer than any idle time of the queue-proxy towards the runtime, so that it
        // is never the runtime that closes a connection a request is already on.
        const int IdleMilliseconds = 75000;

        readonly Socket socket;
        byte[] buffer = new byte[16 * 1024];
        int start, end;
        long unread; // of the current request's body; -1 before a chunk
        bool waits;  // The client still waits for a 100 before it sends the body.

        public Connection(Socket socket)
        {
            this.socket = socket;
            socket.NoDelay = true;
            socket.ReceiveTimeout = IdleMilliseconds;
        }

        /// <summary>The next request's head, or null when the client has gone or stays silent.</summary>
        public Head NextHead()
        {
            int stop;
            while ((stop = EndOfHead()) < 0)
            {
                if (end - start > MaxHead) throw new HttpError(431, "request head larger than " + MaxHead + " bytes");
                if (!Fill()) return null;
            }
            var head = Head.Parse(Encoding.GetEncoding("iso-8859-1").GetString(buffer, start, stop - start));
            start = stop + 4;
            unread = head.Length;
            waits = head.ExpectsContinue && unread != 0;
            return head;
        }

        int EndOfHead()
        {
            while (start + 1 < end && buffer[start] == '\r' && buffer[start + 1] == '\n') start += 2;
            for (var i = start; i + 3 < end; i++)
                if (buffer[i] == '\r' && buffer[i + 1] == '\n' && buffer[i + 2] == '\r' && buffer[i + 3] == '\n') return i;
            return -1;
        }

        /// <summary>The whole body; throws HttpError 413 when it is longer than limit.</summary>
        public byte[] ReadBody(Head head, long limit)
        {
            if (head.Length > limit) throw TooLarge(limit);
            if (waits) Send(Encoding.ASCII.GetBytes("HTTP/1.1 100 Continue\r\n\r\n"));
            waits = false;
            var body = new MemoryStream(head.Length > 0 ? (int)head.Length : 0);
            Drain(body, limit, TooLarge(limit));
            return body.Capacity == body.Length ? body.GetBuffer() : body.ToArray();
        }

        /// <summary>Reads away what the client still sends of its body; whether the connection can go on.</summary>
        public bool Discard()
        {
            if (waits) return false;
            try
            {
                Drain(Stream.Null, MaxDiscard, new HttpError(413, ""));
                return true;
            }
            catch (HttpError)
            {
                return false;
            }
        }

        static HttpError TooLarge(long limit)
        {
            return new HttpError(413, "request body larger than " + limit + " bytes (BODY_PARSER_LIMIT)");
        }

        void Drain(Stream to, long limit, HttpError tooLarge)
        {
            var chunked = unread < 0;
            do
            {
                if (chunked && !NextChunk()) return;
                if (unread > limit) throw tooLarge;
                limit -= unread;
                while (unread > 0)
                {
                    if (start == end) FillOrEnd();
                    var piece = (int)Math.Min(unread, end - start);
                    to.Write(buffer, start, piece);
                    start += piece;
                    unread -= piece;
                }
                if (chunked && Line() != "") throw new HttpError(400, "malformed chunk");
            } while (chunked);
        }

        bool NextChunk()
        {
            if (unread > 0) return true; // A refused chunk, now to be discarded.
            var size = Line().Split(';')[0].Trim();
            if (size.Length > 15 || !long.TryParse(size, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out unread))
                throw new HttpError(400, "malformed chunk");
            if (unread > 0) return true;
            while (Line() != "") { } // Trailers mean nothing to a function.
            return false;
        }

        string Line()
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
            try
            {
                var read = socket.Receive(buffer, end, buffer.Length - end, SocketFlags.None);
                end += read;
                return read > 0;
            }
            catch (SocketException)
            {
                return false;
            }
        }

        /// <summary>Writes an answer whose body is bytes or a sequence of them; head is null for a request that was not understood.</summary>
        public void Answer(Head head, Response response, bool keepAlive)
        {
            var hasBody = (head == null || head.Method != "HEAD") && response.Status != 204 && response.Status != 304;
            var bytes = response.Body as byte[];
            if (bytes != null)
            {
                // The length of an empty answer to HEAD is the one that the function may give.
                var framing = response.Status == 204 ? "" : "Content-Length: " + bytes.Length + "\r\n";
                Send(response.Head(keepAlive, framing));
                if (hasBody) Send(bytes);
                return;
            }
            var chunked = hasBody && (head == null || head.Version == "HTTP/1.1");
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
            Quietly(() => socket.Shutdown(SocketShutdown.Send));
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
