'use client';

import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { useTranslations } from 'use-intl';
import type { ConversationRow, MemberRow } from '../../lib/client/db';
import { addMembers, leave, removeMember, setRole, setTitle } from '../../lib/client/group-intents';
import { block } from '../../lib/client/intents';
import { limits } from '../../lib/protocol/limits';
import { author } from '../hooks/author';
import { useHash } from '../hooks/use-hash';
import { useConversation, useWaitingChanges } from '../hooks/use-live';
import { useNames } from '../hooks/use-names';
import { AlertRuleCard } from './alert-rule';
import { Avatar } from './avatar';
import { Confirm } from './confirm';
import { FindPerson, type Found } from './find-person';
import { Icon } from './icons';
import { KnownPeople } from './known-people';
import { PageBar } from './page-bar';
import { SafetyModal } from './safety-modal';
import { WaitingChanges } from './waiting-changes';

export function GroupDetails() {
  const id = useHash();
  const conversation = useConversation(id);
  const t = useTranslations();
  if (!conversation) {
    return (
      <main className="page form" id="content" aria-busy={conversation === undefined}>
        <PageBar title={t('group.title')} back="/" always />
        {conversation === null && <p className="hint">{t('conversation.missing')}</p>}
      </main>
    );
  }
  return <Details key={id} conversation={conversation} />;
}

function Details({ conversation }: { conversation: ConversationRow }) {
  const t = useTranslations('group');
  const names = useNames();
  const router = useRouter();
  const [asking, setAsking] = useState(false);
  const [comparing, setComparing] = useState<string | null>(null);
  const { conversationId } = conversation;
  const group = conversation.kind === 'group';
  const active = conversation.myState === 'active';
  const manages = group && active && conversation.myRole !== 'member';
  const members = conversation.members.filter((member) => member.state !== 'left');
  const coming = (useWaitingChanges(conversationId) ?? []).flatMap(({ intent }) =>
    intent.kind === 'add' ? intent.userIds : [],
  );
  const there = [...members.map((member) => member.userId), ...coming];
  const add = (person: Found) => {
    if (!there.includes(person.userId)) void addMembers(author, conversationId, [person]);
  };
  const other = names.other(conversation);
  const name = names.conversation(conversation);
  const goodbye = async () => {
    if (group) await leave(author, conversationId);
    else await block(author, conversationId);
    router.push('/');
  };
  return (
    <main className="page form" id="content">
      <PageBar title={t('title')} back={`/c#${conversationId}`} always />
      <div className="form-body">
        <div className="headline">
          <Avatar id={names.face(conversation)} name={name} large />
          <h2>{name}</h2>
          {!group && <p>{names.handle(other)}</p>}
        </div>
        {!group && (
          <button type="button" className="button" onClick={() => setComparing(other)}>
            {t('safety')}
          </button>
        )}
        {comparing && <SafetyModal userId={comparing} onClose={() => setComparing(null)} />}
        <WaitingChanges conversationId={conversationId} />
        {active && <AlertRuleCard conversation={conversation} />}
        {manages && <TitleForm conversation={conversation} />}
        {group && (
          <section aria-label={t('members')}>
            <h2>{t('members')}</h2>
            <ul className="people">
              {members.map((member) => (
                <MemberLine
                  key={member.userId}
                  member={member}
                  conversation={conversation}
                  manages={manages}
                  onCompare={() => setComparing(member.userId)}
                />
              ))}
            </ul>
          </section>
        )}
        {manages && (
          <>
            <FindPerson label={t('add')} action={t('addButton')} me={names.me?.userId ?? ''} onFound={add} />
            <KnownPeople label={t('addKnown')} except={there} onChoose={add} />
          </>
        )}
        {(active || conversation.myState === 'requested') && (
          <button type="button" className="button danger" onClick={() => setAsking(true)}>
            {group ? t('leave') : t('block', { name })}
          </button>
        )}
        {asking && (
          <Confirm
            question={group ? t('leaveConfirm') : t('blockConfirm')}
            onAnswer={(yes) => {
              setAsking(false);
              if (yes) void goodbye();
            }}
          />
        )}
      </div>
    </main>
  );
}

function TitleForm({ conversation }: { conversation: ConversationRow }) {
  const t = useTranslations('group');
  const [title, change] = useState(conversation.title ?? '');
  const wanted = title.trim();
  return (
    <form
      className="find"
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted && wanted !== conversation.title)
          void setTitle(author, conversation.conversationId, wanted);
      }}
    >
      <label className="field">
        <span>{t('name')}</span>
        <input
          value={title}
          maxLength={limits.titleMaxLength}
          onChange={(event) => change(event.target.value)}
        />
      </label>
      <button type="submit" className="button" disabled={!wanted || wanted === conversation.title}>
        {t('save')}
      </button>
    </form>
  );
}

function MemberLine(props: {
  member: MemberRow;
  conversation: ConversationRow;
  manages: boolean;
  onCompare: () => void;
}) {
  const { member, conversation, manages, onCompare } = props;
  const t = useTranslations('group');
  const names = useNames();
  const { conversationId, myRole } = conversation;
  const name = names.person(member.userId);
  const self = member.userId === names.me?.userId;
  const removable =
    manages && !self && member.role !== 'owner' && (myRole === 'owner' || member.role === 'member');
  const promotable =
    myRole === 'owner' && conversation.myState === 'active' && !self && member.state === 'active';
  const admin = member.role === 'admin';
  return (
    <li>
      <Avatar id={member.userId} name={name} />
      <span className="grow">
        {name}
        <small>{names.handle(member.userId)}</small>
      </span>
      <span className="beside">
        <small className="tag">{member.state === 'requested' ? t('requested') : t(member.role)}</small>
        {!self && (
          <button
            type="button"
            className="icon-button"
            aria-label={t('safetyOf', { name })}
            onClick={onCompare}
          >
            <Icon name="shield" />
          </button>
        )}
        {promotable && (
          <button
            type="button"
            className="icon-button"
            aria-label={admin ? t('demote', { name }) : t('promote', { name })}
            onClick={() => void setRole(author, conversationId, member.userId, admin ? 'member' : 'admin')}
          >
            <Icon name={admin ? 'down' : 'check'} />
          </button>
        )}
        {removable && (
          <button
            type="button"
            className="icon-button"
            aria-label={t('remove', { name })}
            onClick={() => void removeMember(author, conversationId, member.userId)}
          >
            <Icon name="close" />
          </button>
        )}
      </span>
    </li>
  );
}
