# frozen_string_literal: true

require_relative 'context'
require_relative 'http1'
require_relative 'input'
require_relative 'loader'
require_relative 'tags'

module Hotpod
  # The life of a runtime process: generic, until one specialize call loads a function. Threads may share it.
  class Runtime
    HERE = File.dirname(__dir__)

    # leave is called with the status of an exit that the function asked for.
    def initialize(settings, leave)
      @settings = settings
      @leave = leave
      @loading = Mutex.new
    end

    # Answers one request.
    def handle(head, input)
      return specialize(head, input) if head.method == 'POST' && %w[/v2/specialize /specialize].include?(head.target)
      return Answer.text(200, "OK\n") if head.target == '/healthz'
      return Answer.text(500, "Generic container: no requests supported\n") unless @function

      Tags.during(head.headers) { call(head, input) }
    rescue SystemExit => e
      @leave.call(e.status)
    end

    private

    def call(head, input)
      context = Fission::Context.new(Env.of(head, input))
      answer_of(@function.arity.zero? ? @function.call : @function.call(context))
    rescue HTTPError, ConnectionOver
      raise # The request's fault: its body is too large, malformed or breaks off.
    rescue StandardError, ScriptError => e
      warn "function error: #{stack(e)}"
      Answer.text(500, @settings.show_errors ? "Internal server error: #{e.class}: #{e.message}\n" : "Internal server error\n")
    end

    # [status, headers, body], a Rack::Response, a Hash (JSON), nil (an empty 200) or what its to_s says.
    def answer_of(result)
      result = result.finish if result.respond_to?(:finish)
      result = result.to_a if result.respond_to?(:to_a) && !result.is_a?(Hash) && !result.is_a?(Array) && result
      case result
      when Array then rack(*result)
      when nil then Answer.new(200, [], '')
      when Hash then Answer.new(200, [['Content-Type', 'application/json; charset=utf-8']], JSON.generate(result))
      else Answer.new(200, [['Content-Type', 'text/html; charset=utf-8']], result.to_s)
      end
    end

    def rack(status, headers, body)
      pairs = headers.to_h.flat_map { |name, value| (value.is_a?(Array) ? value : value.to_s.split("\n", -1)).map { |each| [name, each] } }
      body = body.to_a.join if body.is_a?(Array)
      body = body.respond_to?(:each) ? body : body.to_s
      Answer.new(Integer(status), pairs, body)
    end

    def specialize(head, input)
      return Answer.text(400, "Not a generic container\n") unless @loading.try_lock

      begin
        return Answer.text(400, "Not a generic container\n") if @function

        load_function(*asked(head, input))
      ensure
        @loading.unlock
      end
    end

    # The path and the entry point; version 1 has a fixed path, and a body only when the function has variables.
    def asked(head, input)
      first = head.target == '/specialize'
      body = input.string
      call = first && body.empty? ? {} : JSON.parse(body)
      raise HTTPError.new(400, 'specialize: the body must be a JSON object') unless call.is_a?(Hash)

      path = first ? @settings.code_path : call['filepath']
      raise HTTPError.new(400, 'specialize: the body must have a filepath') unless path.is_a?(String) && !path.empty?

      call.fetch('env', {}).each { |name, value| ENV[name] = value }
      [path, first ? '' : call['functionName'].to_s]
    rescue JSON::ParserError
      raise HTTPError.new(400, 'specialize: the body must be JSON')
    end

    def load_function(path, entry)
      began = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC, :float_millisecond)
      @function = Loader.load_function(path, entry)
      puts format('function loaded from %s in %.1f ms', path, ::Process.clock_gettime(::Process::CLOCK_MONOTONIC, :float_millisecond) - began)
      Answer.text(201, '')
    rescue StandardError, ScriptError => e
      text = "#{stack(e)}\n"
      warn "function cannot be loaded: #{text}"
      Answer.text(500, text)
    end

    # The error with the function's own part of the stack.
    def stack(err)
      lines = (err.backtrace || []).reject { |line| line.start_with?(HERE) || line.start_with?('<internal:') }
      ["#{err.class}: #{err.message}", *lines.map { |line| "    from #{line}" }].join("\n")
    end
  end
end
