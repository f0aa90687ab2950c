using System;
using System.Globalization;

namespace Hotpod
{
    /// <summary>A request's body on its connection: nothing is read before it is asked for.</summary>
    sealed class RequestBody
    {
        readonly Connection connection;
        readonly bool chunked;
        bool done, broken;

        public RequestBody(Connection connection, Head head)
        {
            this.connection = connection;
            chunked = head.Length < 0;
            Left = Math.Max(head.Length, 0);
            done = head.Length == 0;
            Waits = head.ExpectsContinue && !done;
        }

        /// <summary>What is known to come: of the body, or of its current chunk.</summary>
        public long Left { get; private set; }

        /// <summary>Whether the client still waits for a 100 before it sends the body.</summary>
        public bool Waits { get; private set; }

        /// <summary>Tells a client that waits to send the body.</summary>
        public void Proceed()
        {
            if (Waits) connection.Continue();
            Waits = false;
        }

        /// <summary>Reads between 1 and count bytes; 0 at the end.</summary>
        public int Read(byte[] to, int offset, int count)
        {
            if (done || count == 0) return 0;
            try
            {
                Proceed();
                if (chunked && Left == 0 && !NextChunk()) return 0;
                var read = connection.Some(to, offset, (int)Math.Min(count, Left));
                Left -= read;
                if (Left == 0) EndOfChunk();
                return read;
            }
            catch (Exception)
            {
                broken = true;
                throw;
            }
        }

        /// <summary>Reads away what nobody asked for, up to most bytes; whether another request can follow.</summary>
        public bool Discard(long most)
        {
            if (done) return true;
            if (Waits || broken) return false;
            try
            {
                var buffer = new byte[16 * 1024];
                int read;
                while (most > 0 && (read = Read(buffer, 0, buffer.Length)) > 0) most -= read;
                return done;
            }
            catch (HttpError) { return false; }
            catch (ConnectionOver) { return false; }
        }

        void EndOfChunk()
        {
            if (!chunked) done = true;
            else if (connection.Line() != "") throw new HttpError(400, "malformed chunk");
        }

        bool NextChunk()
        {
            long size;
            var text = connection.Line().Split(';')[0].Trim();
            if (text.Length > 15 || !long.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out size))
                throw new HttpError(400, "malformed chunk");
            Left = size;
            if (size > 0) return true;
            while (connection.Line() != "") { } // Trailers mean nothing to a function.
            done = true;
            return false;
        }
    }
}
