# frozen_string_literal: true

require 'time'

module Hotpod
  # A request that is answered with a status and a text before any function sees it.
  class HTTPError < StandardError
    attr_reader :status

    def initialize(status, message)
      super(message)
      @status = status
    end
  end

  # A function's header that would break the answer.
  class InvalidHeader < StandardError; end

  # A request's first lines. headers has lower-case names; repeated ones are joined. length is nil for a chunked body.
  class Head
    TOKEN = /\A[!#$%&'*+\-.^_`|~0-9A-Za-z]+\z/.freeze

    attr_reader :method, :target, :version, :headers, :length

    # Parses everything before the empty line; raises HTTPError for what is not HTTP/1.
    def initialize(text)
      lines = text.split("\r\n", -1)
      raise HTTPError.new(400, 'control characters in the head') if lines.any? { |line| line.match?(/[\r\n\0]/) }

      @method, @target, @version, *rest = lines.shift.to_s.split(' ', -1)
      raise HTTPError.new(400, 'malformed request line') unless rest.empty? && @version && TOKEN.match?(@method)
      raise HTTPError.new(505, 'only HTTP/1.1 and HTTP/1.0 are spoken here') unless %w[HTTP/1.1 HTTP/1.0].include?(@version)

      @headers = {}
      lines.each { |line| add(line) }
      frame
    end

    def keep_alive?
      connection = @headers['connection'].to_s.downcase
      @version == 'HTTP/1.1' ? !connection.include?('close') : connection.include?('keep-alive')
    end

    def expects_continue?
      @headers['expect'].to_s.casecmp?('100-continue')
    end

    private

    def add(line)
      name, value = line.split(':', 2)
      raise HTTPError.new(400, 'malformed header line') unless value && TOKEN.match?(name)

      key = name.downcase
      value = value.strip
      @headers[key] = @headers.key?(key) ? [@headers[key], value].join(key == 'cookie' ? '; ' : ', ') : value
    end

    def frame
      coding = @headers['transfer-encoding']
      size = @headers['content-length']
      if coding
        raise HTTPError.new(400, 'a body of unclear length') if size || !coding.casecmp?('chunked')
      else
        raise HTTPError.new(400, 'malformed Content-Length') unless size.nil? || size.match?(/\A\d+\z/)

        @length = size.to_i
      end
    end
  end

  # An answer: status, headers as pairs, and a body that is a String or yields them.
  Answer = Struct.new(:status, :headers, :body) do
    def self.text(status, text)
      new(status, [['Content-Type', 'text/plain; charset=utf-8']], text)
    end

    def body?(head)
      head&.method != 'HEAD' && ![204, 304].include?(status)
    end

    # The head on the wire; raises InvalidHeader.
    def head(keep_alive, framing)
      lines = ["HTTP/1.1 #{status} #{REASONS[status] || 'Status'}"]
      headers.each do |name, value|
        next if OURS.include?(name.to_s.downcase)
        raise InvalidHeader, "the function set an invalid header #{name.inspect}" if !Head::TOKEN.match?(name.to_s) || value.to_s.match?(/[\r\n\0]/)

        lines << "#{name}: #{value}"
      end
      lines << framing if framing
      lines << "Date: #{Time.now.httpdate}" << "Connection: #{keep_alive ? 'keep-alive' : 'close'}" << '' << ''
      lines.map(&:b).join("\r\n".b)
    end
  end

  # The connection is the runtime's matter, whatever a function says about it.
  OURS = %w[connection keep-alive transfer-encoding content-length date].freeze

  REASONS = {
    200 => 'OK', 201 => 'Created', 202 => 'Accepted', 204 => 'No Content', 301 => 'Moved Permanently', 302 => 'Found',
    304 => 'Not Modified', 400 => 'Bad Request', 401 => 'Unauthorized', 403 => 'Forbidden', 404 => 'Not Found',
    413 => 'Payload Too Large', 500 => 'Internal Server Error', 503 => 'Service Unavailable'
  }.freeze
end
