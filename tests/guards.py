"""The guards that `test_guards.py` takes away one by one, and the test that sees each one missing."""

from __future__ import annotations

__all__ = ["GUARDS"]

SECURITY, EVIL, CODEC = (
    "tests/rpc/test_security.py",
    "tests/rpc/test_evil_server.py",
    "tests/rpc/test_codec.py",
)
APP = "tests/app/test_app_gate.py"
RECEPTION, ADDRESSES = "tests/rpc/test_reception.py", "tests/serverext/test_addresses.py"
ESCAPES = "tests/sandbox/test_escapes.py::test_what_leads_out_is_what_is_documented"
GATE = "tests/rpc/test_gate.py::test_the_gate_lets_nothing_through_but_what_its_policy_opens"
GUARDS: dict[str, tuple[str, str, str, str]] = {
    "the token": ("rpc/_gate.py", "if hmac.compare_digest(given, self._expected) or", "if True or", GATE),
    "comparing in constant time": (
        "rpc/_gate.py", "hmac.compare_digest(given, self._expected)", "given == self._expected",
        "tests/test_house.py::test_tokens_are_compared_in_constant_time",
    ),
    "recordings are not overwritten": (
        "recording/_file.py", "os.O_CREAT | os.O_EXCL", "os.O_CREAT",
        "tests/recording/test_replay.py::test_a_file_that_is_there_is_overwritten_only_if_that_is_said",
    ),
    "keys in recordings": (
        "recording/_entry.py", "return redact(value)", "return value",
        "tests/recording/test_whole_recordings.py"
        "::test_pieces_are_recorded_as_they_came_unless_a_key_is_in_them",
    ),
    "tools are not called in a replay": (
        "tools/_taped.py", "if place.replays:", "if False:",
        "tests/recording/test_replay.py::test_a_tool_is_not_called_again_and_a_person_is_not_asked_again",
    ),
    "a replay whose recording is gone asks nobody": (
        "rpc/_taping.py", "future.set_exception(_gone())", "future.set_result({})",
        "tests/recording/test_replay.py::test_a_replay_asks_nobody_when_its_recording_is_gone",
    ),
    "a worker's own subscriptions only": (
        "rpc/_topics/_routes.py", "if subscribed is None or subscribed.owner is not owner:",
        "if subscribed is None:", "tests/rpc/test_topic_host.py::test_nobody_takes_back_what_is_anothers",
    ),
    "one worker for one type": (
        "rpc/_topics/_routes.py", "if owner not in known and known and not (shared and all(known.values())):",
        "if False:",
        "tests/rpc/test_topic_host.py::test_one_type_has_one_worker_and_is_free_when_that_leaves",
    ),
    "AutoGen's workers only if it is asked for": (
        "rpc/_server.py", "if options.autogen_port is not None:", "if True:",
        "tests/rpc/test_gate.py::test_a_server_that_was_not_asked_lets_nobody_in_without_a_token",
    ),
    "the own machine only": (
        "rpc/_options.py", "if self.is_public() and self.tls is None and not self.insecure:", "if False:",
        "tests/rpc/test_tls.py::test_a_public_host_needs_tls",
    ),
    "no token without TLS": (
        "rpc/_directory.py", 'return None if _is_here(address) else _trust("")', "return None",
        "tests/rpc/test_tls.py::test_another_machine_gets_the_token_by_tls_only",
    ),
    "importing on private sockets only": (
        "rpc/_loader.py", "if match is None or not self._private:", "if match is None:",
        f"{SECURITY}::test_over_tcp_only_registered_classes_can_be_made",
    ),
    "the form of a class's name": (
        "rpc/_loader.py",
        '_QUALIFIED = re.compile(r"([A-Za-z_]\\w*(?:\\.[A-Za-z_]\\w*)*):([A-Za-z_]\\w*)\\Z")',
        '_QUALIFIED = re.compile(r"(.*):(.*)")', f"{SECURITY}::test_what_is_no_name_is_not_looked_for",
    ),
    "agent classes only": (
        "rpc/_loader.py", "if not (isinstance(found, type) and issubclass(found, AgentBase)):",
        "if found is None:",
        f"{SECURITY}::test_what_is_no_class_is_not_called",
    ),
    "source over the stream only": (
        "rpc/_admission.py", "if not attached:", "if False:",
        "tests/rpc/test_cell_doors.py::test_by_a_single_request_it_is_refused",
    ),
    "known addresses only": (
        "rpc/_fetch.py", "if known_only and known_token(normal_address(client.address)) is None:",
        "if False:",
        f"{SECURITY}::test_an_address_that_came_inside_a_message_is_not_dialled",
    ),
    "the depth of JSON": (
        "rpc/_codec.py", "if depth > MAX_DEPTH + 4:", "if False:",
        f"{CODEC}::test_what_nobody_encoded_is_refused",
    ),
    "the number of values": (
        "rpc/_json.py", "if many := too_many(data):", "if many := '':",
        f"{CODEC}::test_a_value_of_very_many_parts_is_refused",
    ),
    "the number of fields": (
        "rpc/_shape.py", "if len(data) > SHORT:", "if False:",
        f"{CODEC}::test_a_batch_of_very_many_frames_is_refused",
    ),
    "types of a message's fields": (
        "rpc/_codec.py", 'if not isinstance(parts.get(key, ""), str):', "if False:",
        f"{CODEC}::test_a_message_whose_fields_are_no_texts_is_refused",
    ),
    "keys in errors": (
        "rpc/_faults.py", "return redact(text", "return str(text", f"{CODEC}::test_keys_in_errors_are_masked",
    ),
    "keys in the log": (
        "rpc/_log.py", "self._stream.write(redact(text)", "self._stream.write(str(text)",
        "tests/rpc/test_server_log.py::test_keys_are_masked",
    ),
    "forged lines in the log": (
        "rpc/_log.py", "printable(record.message)", "record.message",
        "tests/rpc/test_server_log.py::test_no_line_is_forged",
    ),
    "files that others could write": (
        "rpc/_places.py", "if stat.S_IMODE(path.stat().st_mode) & 0o077 and", "if False and",
        f"{SECURITY}::test_a_connection_file_that_others_may_write_is_not_believed",
    ),
    "folders open to others": (
        "rpc/_places.py", "folder.chmod(0o700)", "pass",
        f"{SECURITY}::test_a_folder_that_was_open_to_others_is_closed",
    ),
    "folders of others": (
        "rpc/_places.py", "if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():", "if False:",
        f"{SECURITY}::test_a_folder_of_somebody_else_is_not_used",
    ),
    "the umask": (
        "rpc/__main__.py", "os.umask(0o077)", "os.umask(0)",
        f"{SECURITY}::test_files_are_closed_to_others_under_any_umask[True]",
    ),
    "secrets of the environment": (
        "_process.py", "if not _is_private(name)", "if True",
        f"{SECURITY}::test_secrets_of_the_environment_stay_at_home",
    ),
    "the memory of the process": (
        "rpc/__main__.py", "    close_to_others()\n", "",
        f"{SECURITY}::test_the_memory_of_a_server_is_closed_to_programs_of_the_same_user",
    ),
    "the server that should be there": (
        "rpc/_stream.py", "if self._expects and hello.server_id != self._expects:", "if False:",
        f"{EVIL}::test_a_server_that_is_not_the_one_of_the_connection_file_is_left",
    ),
    "the token of the place for kernels": (
        "rpc/_reception.py",
        "if not (isinstance(said, str) and hmac.compare_digest(said.encode(), self._token.encode())):",
        "if False:", f"{RECEPTION}::test_who_does_not_say_the_token_is_refused",
    ),
    "the file that leads kernels there": (
        "rpc/_custody.py", "if os.name == \"posix\" and (stat.S_IMODE(", "if False and (stat.S_IMODE(",
        f"{RECEPTION}::test_a_file_that_others_could_have_written_is_not_followed",
    ),
    "the login": (
        "serverext/_handler.py",
        "    @web.authenticated\n    @authorized\n    async def get", "    async def get",
        f"{ADDRESSES}::test_jupyter_finds_no_door_without_a_guard",
    ),
    "the right to do it": (
        "serverext/_handler.py", "    @authorized\n    async def post", "    async def post",
        f"{ADDRESSES}::test_who_may_not_is_refused",
    ),
    "the cookie's value": (
        "serverext/_handler.py", "        self.check_xsrf_cookie()", "        pass",
        f"{ADDRESSES}::test_a_cookie_alone_does_nothing",
    ),
    "what a body is": (
        "serverext/_handler.py", "if (raw or kind) and kind.", "if False and kind.",
        f"{ADDRESSES}::test_a_body_that_is_no_object_of_ours_is_refused",
    ),
    "paths in answers": (
        "serverext/_refusal.py", '_PATH.sub("…", redact(text))', "redact(text)",
        "nbagents/serverext/_refusal.py::nbagents.serverext._refusal.body_of",
    ),
    "own runs are stopped only": (
        "rpc/_own_runs.py", "if cancel.run not in self.begun:", "if False:",
        "tests/rpc/test_run_control.py::test_a_server_ends_only_runs_that_it_was_told_of",
    ),
    "own runs are told of only": (
        "rpc/_run_book.py", "if run is None or run.owner is not session:", "if run is None:",
        "tests/rpc/test_runs.py::test_a_client_of_another_session_cannot_tell_of_it",
    ),
    "the size of what is asked": (
        "rpc/_fields.py", "if len(data) > MAX_ASKED:", "if False:",
        "tests/rpc/test_runs.py::test_what_is_too_large_is_refused",
    ),
    "the number of questions": (
        "rpc/_questions.py", "if self._posted.get(session, 0) >= MAX_QUESTIONS:", "if False:",
        "tests/rpc/test_questions.py::test_a_session_asks_only_so_much_at_once",
    ),
    "what is kept of a run": (
        "rpc/_recorded.py", "len(entries) > MAX_RUN_EVENTS or", "",
        "tests/rpc/test_runs.py::test_of_a_long_run_the_end_is_kept",
    ),
    "answers that nobody asked for": (
        "rpc/_strays.py", "if self._left < 0:", "if False:",
        f"{EVIL}::test_whoever_is_harmed_is_told[answers_others_without_end]",
    ),
    "keys to their providers only": (
        "models/_endpoint.py",
        "if same_origin(url, provider.base_url) or same_origin(url, place):",
        "if True:",
        "tests/models/test_providers.py::test_a_type_is_enough_to_find_the_way",
    ),
    "pictures only": (
        "models/_media.py", "if start.match(data):", "if True:",
        "tests/models/test_blocks.py::test_only_what_is_a_picture_is_sent",
    ),
    "private addresses": (
        "fetch/_network.py", "if not (trusted or is_public(address)):", "if False:",
        "tests/fetch/test_fetch_addresses.py::test_no_private_address_is_dialled",
    ),
    "what only programmers give to tools": (
        "tools/_schema.py", "if self._takes_more and (closed :=", "if False and (closed :=",
        "tests/fetch/test_web_searches.py::test_a_model_neither_sees_nor_gives_what_is_the_programmers",
    ),
    "the pinned address": (
        "fetch/_network.py", "connect_tcp(str(address), port,", "connect_tcp(host, port,",
        "tests/fetch/test_fetch_addresses.py"
        "::test_a_name_that_changes_is_asked_once_and_dialled_as_it_was_looked_at",
    ),
    "what a query of SQLite may do": (
        "tools/database/_sqlite_process.py", "driver.set_authorizer(allows)", "pass",
        "tests/tools/test_databases.py"
        "::test_whoever_may_only_read_changes_nothing_and_waits_for_nothing[sqlite]",
    ),
    "files below the work folder only": (
        "_folder.py", "resolve=_BENEATH | _NO_SYMLINKS | _NO_MAGICLINKS", "resolve=0",
        "tests/tools/test_files.py::test_nothing_else_is_read_moved_or_deleted",
    ),
    "a yes to the very call": (
        "asking/_approval.py",
        "if not (isinstance(binding, str) and "
        "hmac.compare_digest(binding.encode(), approval.binding.encode())):",
        "if False:", "tests/rpc/test_remote_approvals.py::"
        "test_it_is_allowed_from_another_session_by_the_calls_own_hash",
    ),
    "what a run allows, in all its servers": (
        "rpc/_session.py", "call.approve = approve", "pass",
        "tests/rpc/test_remote_approvals.py::test_it_travels_from_server_to_server",
    ),
    "a yes of a person": (
        "asking/_answerers.py",
        "if question.approval is not None and answerer is not None and answerer is not _approver.get():",
        "if False:",
        "tests/tools/test_evil_model.py::test_a_list_of_answers_was_not_made_for_this",
    ),
    "what was shown runs": (
        "tools/_approve.py", "json.loads(text if edited is None else edited)",
        "dict(given) if edited is None else json.loads(edited)",
        "tests/tools/test_evil_model.py::test_what_is_changed_after_it_was_shown_does_not_run",
    ),
    "the audit before the call": (
        "tools/_approve.py", "if refused or passage.effects <= {Effect.READ}:", "if True:",
        "tests/tools/test_tool_audit.py::test_with_a_full_disk_nothing_is_written_unseen",
    ),
    "keys to their addresses only": (
        "rpc/_keys.py", 'for name in ("base_url", "api_url"):', "for name in ():",
        "tests/rpc/test_journal_limits.py::test_a_key_is_not_led_to_another_address",
    ),
    "no code below the level that is accepted": (
        "sandbox/_probe.py", "if best >= least:", "if True:",
        "tests/sandbox/test_levels.py::test_without_namespaces_code_is_refused_until_somebody_accepts_less",
    ),
    "Landlock": (
        "sandbox/_inside/_watch.py", 'if settings.number("landlock") and (needs or landlock_version()):',
        "if needs and not landlock_version():", f"{ESCAPES}[landlock]",
    ),
    "the filter of system calls": (
        "sandbox/_inside/_watch.py", "and can_filter():", "and False:", f"{ESCAPES}[landlock]",
    ),
    "no network": (
        "sandbox/_inside/_rooms.py", 'network = 0 if settings.number("network") else NEW_NETWORK',
        "network = 0", f"{ESCAPES}[namespaces]",
    ),
    "arguments that no model gives": (
        "tools/_tool.py", "{*self.preset_kwargs, *reserved_of(function)}", "set(self.preset_kwargs)",
        "tests/tools/test_code.py::test_a_model_gives_the_code_and_the_time_and_nothing_else",
    ),
    "what a partial allows counts": (
        "tools/_offer.py", "elif isinstance(function, functools.partial):", "elif False:",
        "tests/tools/test_tool_partials.py::test_what_a_partial_allows_counts_for_the_approval",
    ),
    "schemas fetch nothing": (
        "tools/_given_schema.py", "kind(whole, registry=referencing.Registry())", "kind(whole)",
        "tests/tools/test_given_schemas.py::test_a_schema_fetches_nothing",
    ),
    "services on other machines by TLS only": (
        "services/_address.py", "if far and not proved and not insecure:", "if False:",
        "tests/services/test_services_in_sql.py::test_the_address_of_the_surroundings_counts_too",
    ),
    "which process is an app's": (
        "app/_deployment.py", "is_running(self.pid, self.pid_started)", "True",
        "tests/app/test_deployments.py::test_a_process_that_got_the_pid_of_one_that_ended_is_not_touched",
    ),
    "private records of apps": (
        "app/_deployment.py", "stat.S_IMODE(path.stat().st_mode) & 0o077:", "False:",
        "tests/app/test_deployments.py::test_those_of_other_machines_are_listed_and_left_alone",
    ),
    "kernels that serve an app, which never get a signal": (
        "app/_stopping.py", "if found.alive and found.is_on_a_thread:", "if False:",
        "tests/app/test_stopping.py::"
        "test_what_another_process_serves_on_a_thread_ends_and_the_process_does_not[function-run]",
    ),
    "processes of a mode that nobody knows": (
        "app/_deployment.py", "self.mode not in (FOREGROUND, DETACHED_PROCESS)",
        "self.mode in (RUN, DAEMON_THREAD)",
        "tests/app/test_deployments.py::"
        "test_a_process_that_may_not_be_for_the_app_alone_gets_no_signal[of another version]",
    ),
    "apps of other deployers": (
        "app/_serving.py", '(app.app_name != "" or mode == RUN)', "True",
        "tests/app/test_serving.py::test_deployers_do_not_end_each_others_apps_because_nobody_has_named_them",
    ),
    "the token's file for curl": (
        "app/_deployment.py", "os.O_EXCL, 0o600", "os.O_EXCL, 0o644",
        "tests/app/test_stopping.py::"
        "test_what_another_process_serves_on_a_thread_ends_and_the_process_does_not[function-run]",
    ),
    "one call at a time that begins to serve": (
        "app/_claim.py", "if keys & _claimed:", "if False:",
        "tests/app/test_stopping.py::test_of_two_deploys_at_once_one_serves_and_the_other_is_told",
    ),
    "what stays out of an image": (
        "cli/_build_context.py", "kept = lets_in", "kept = True",
        "tests/cli/test_app_command.py::test_an_image_has_the_app_and_no_secret",
    ),
    "secrets in the end of an app's log": (
        "app/_deployment.py", "redact(text, *secrets)", "text",
        "tests/app/test_deployments.py::test_what_does_not_start_says_why_and_leaves_nothing[it dies]",
    ),
    "token files that others cannot read": (
        "rpc/_token.py", "given = mounted and", "given = mounted or",
        "tests/cli/test_app_command.py::test_what_cannot_be_served_says_why[an open token file]",
    ),
    "the ids of sessions": (
        "services/_plain.py", 'check_id(session, "the session_id")', "str(session)",
        "tests/services/test_services_contract.py::test_what_is_no_id_is_refused[memory-'a%']",
    ),
    "a card's own origin": (
        "agents/_a2a_peer.py", "or _origin(way.url) == origin", "or True",
        "tests/agents/test_a2a_agent.py::test_a_card_that_leads_elsewhere_is_not_followed",
    ),
    "agents that call addresses for one's own user only": (
        "rpc/_loader.py", '(*BUILT_IN, "A2AAgent") if private else BUILT_IN', '(*BUILT_IN, "A2AAgent")',
        "tests/agents/test_a2a_agent.py::test_a_server_for_others_calls_no_addresses",
    ),
    "one's own tasks": (
        "app/_a2a/_task_store.py", "task is not None and task.owner == owner", "task is not None",
        "tests/app/test_a2a_doors.py::test_tasks_belong_to_their_user",
    ),
    "nobody is called back": (
        "app/_a2a/_handler.py", 'if params.configuration.HasField("task_push_notification_config"):',
        "if False:", "tests/app/test_a2a_wire.py::test_nobody_is_called_back",
    ),
    "one's own gone tasks": (
        "app/_a2a/_task_store.py", "gone is None or gone.owner != owner", "gone is None",
        "tests/app/test_a2a_store.py::test_what_has_been_is_told_to_its_user_alone",
    ),
    "how much A2A's tasks take": (
        "app/_a2a/_task_store.py", "number <= most and size <= largest", "number <= most",
        "tests/app/test_a2a_store.py::test_tasks_take_so_many_bytes_and_no_more",
    ),
    "one user's MCP sessions": (
        "app/_mcp/_quota.py", "if len(sessions) >= most:", "if len(sessions) >= MOST:",
        "tests/app/test_mcp_sessions.py::test_one_user_does_not_take_all_sessions",
    ),
    "one's own MCP session": (
        "app/_mcp/_service.py", 'client_id=f"user {user}"', 'client_id="user"',
        "tests/app/test_mcp_door.py::test_a_session_is_its_users_own",
    ),
    "an app: the token": (
        "app/_gate.py", "if hmac.compare_digest(token.strip(), own)]", "if True]",
        f"{APP}::test_without_a_token_nothing_is_open_but_health",
    ),
    "an app: its names": (
        "app/_gate.py", "if (name in LOCAL or (self._public and _is_address(name))) and", "if True or",
        f"{APP}::test_other_hosts_are_refused",
    ),
    "an app: other sites": (
        "app/_gate.py", "self._check_origin(headers, scope, host)", "pass",
        f"{APP}::test_other_sites_are_refused",
    ),
    "an app: JSON alone": (
        "app/_gate.py", 'if kind != b"application/json" and', "if False and",
        f"{APP}::test_bodies_are_json_and_small",
    ),
    "an app: the size of what comes in parts": (
        "app/_gate.py", "if size > self._largest:", "if False:",
        f"{APP}::test_a_body_in_parts_is_measured_as_it_comes",
    ),
    "an app: the rate": (
        "app/_gate.py", "if not allowed:", "if False:", f"{APP}::test_who_asks_too_often_is_told_to_wait",
    ),
    "an app: no answer is a page": (
        "app/_gate.py", "send = _safe(send)", "pass", f"{APP}::test_no_answer_is_a_page",
    ),
    "an app: whose a request is": (
        "app/_agent_app.py", "user = user or request.user_id or", "user = request.user_id or user or",
        f"{APP}::test_a_user_is_who_the_token_says",
    ),
    "an app: whose an answer is": (
        "app/_book.py", "if answer is None or (user and answer.user != user):", "if answer is None:",
        f"{APP}::test_a_user_is_who_the_token_says",
    ),
    "an app: paths in errors": (
        "app/_failure.py", 'text = _PATH.sub("…", text)', "pass",
        "tests/app/test_app_process.py::test_an_error_is_told_without_what_is_nobodys_business",
    ),
    "keys of a collector": (
        "_process.py", '"OTEL_", ', "",
        "tests/tracing/test_spans.py::test_keys_of_a_collector_reach_no_child_by_its_environment",
    ),
    "no messages in spans": (
        "tracing/_provider.py", "return said.strip().lower() in", "return True or said in",
        "tests/tracing/test_spans.py::test_calls_nest_in_whoever_makes_them_on_the_loop_and_on_threads",
    ),
}  # fmt: skip
"""What is taken away: the module, the guard's text, what stands there instead, the test that must fail."""
